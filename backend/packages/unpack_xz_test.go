package packages_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/packages"
)

// What Python's tarfile makes of a folder with a file, and a script; and of a
// MiB of zeros. There is no Go package at hand that writes xz.
const (
	xzSmall = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/AJBdADmdSGQR5JSzSsi80f5CS2Je1+T3bD5AMoqaSDiCYBrCyA5BD+ls2ygfNMMGDqHagEIX5c" +
		"6Xg/jDzCdpWVoK0vFbFeLKNn7Z0OlezdfG2AQ8gDZtd4zzyT2CIQDU3WDHobViTdQsIsT90eCvRftXZ82zn39+TR+0bY8KYYHoQ1uRzJDWAj52" +
		"WwE4efeis5ggGABg4SF1nmyoDwABrAGAUAAAc7QOEbHEZ/sCAAAAAARZWg=="
	xzZeros = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj8Bf/AQJdAD0ZSqu3TG/ywsRZ6zXSPSCdP5/0Iff8tSRF4qq0RVNTqiw88qbeTk/qe7T8rO1iPSxLqd" +
		"TbAqvKx98M3GHOt3M80q5nRsCDVJgFIvxCsUHoOJlJ5O9bqM9FT5yaf4WDfSMLIxqWq3eEpugBBAKjRpHk/nXT2dL60BrW4hohv3tCFztyHeyF" +
		"84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/" +
		"DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vuaMC4dQG/DAAAAAMC6r7oPiZ2aAAGeAoCwQACg94dGscRn+wIAAAAABFla"
)

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUnpackTarXZ(t *testing.T) {
	t.Parallel()
	small, zeros := unbase64(t, xzSmall), unbase64(t, xzZeros)
	got, err := unpack(t, t.Context(), small, packages.TarXZ, packages.DefaultLimits())
	want := map[string]string{"": "-rwxr-xr-x", "sub/": "-rwxr-xr-x", "sub/a.txt": "-rw-r--r-- hello", "run.sh": "-rwxr-xr-x #!/bin/sh\n"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, unpacked (-want +got):\n%s", err, diff)
	}
	damaged := append([]byte(nil), small...)
	damaged[60] ^= 0xff
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"bomb":      {zeros, "more than 200 times its size"},
		"damaged":   {damaged, "damaged"},
		"cut short": {small[:len(small)/2], "damaged"},
		"not xz":    {[]byte("hello"), "not an xz archive, or a damaged one"},
		"empty":     {nil, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lim := packages.DefaultLimits()
			lim.RatioAfter = 1 << 19
			_, err := unpack(t, t.Context(), tt.data, packages.TarXZ, lim)
			if !errors.Is(err, packages.ErrUnsafe) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := unpack(t, ctx, small, packages.TarXZ, packages.DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Without xz, Python does it; without both, the error says what to install.
func TestUnpackTarXZ_tools(t *testing.T) {
	small := unbase64(t, xzSmall)
	path := onlyPython(t)
	for _, tt := range []struct{ path, want string }{{path, ""}, {t.TempDir(), "needs xz or python3 on the PATH"}} {
		t.Setenv("PATH", tt.path)
		_, err := unpack(t, t.Context(), small, packages.TarXZ, packages.DefaultLimits())
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("PATH %s: %v, want %q", tt.path, err, tt.want)
		}
	}
}

// onlyPython is a folder in which python3 is, and nothing else.
func onlyPython(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(strings.TrimSpace(string(out)), filepath.Join(dir, "python3")); err != nil {
		t.Fatal(err)
	}
	return dir
}
