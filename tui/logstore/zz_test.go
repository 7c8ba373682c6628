package logstore
import ("testing";"time";"fmt";"syscall")
func TestZZ(t *testing.T){
 s:=OpenFile("/tmp/work/w2/Rv4/cache/train-1073741824.log"); s.Grow()
 for _,q:=range []Query{Literal("Grail-7f3a")} { for range 4 {
 var a,b syscall.Rusage; syscall.Getrusage(0,&a)
 x:=time.Now(); f:=NewFinder(s,q,0); _,err:=f.Seek(t.Context(),true); d:=time.Since(x)
 syscall.Getrusage(0,&b)
 fmt.Println(d,err,"user",(b.Utime.Nano()-a.Utime.Nano())/1e6,"sys",(b.Stime.Nano()-a.Stime.Nano())/1e6)
 }}
}
