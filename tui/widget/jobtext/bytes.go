package jobtext

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes prints a number of bytes for reading: "16 GiB", "1.3 MiB", "12 bytes".
func Bytes(n int64) string {
	v, unit := float64(n), ""
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, u
	}
	if unit == "" {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + unit
}
