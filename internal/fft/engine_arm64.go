package fft

var engines = map[string]*engine{
	"neon": {
		lanes: 4,
		radix: [9]func(*uint64){2: radix2NEON, 3: radix3NEON, 4: radix4NEON, 5: radix5NEON, 8: radix8NEON},
		last:  [9]func(*uint64){2: radix2NEON_last, 3: radix3NEON_last, 4: radix4NEON_last, 5: radix5NEON_last, 8: radix8NEON_last},
		odd:   radixOddNEON,
		mix:   [5]func(dst, src, table *float64, rows int){1: mix1NEON, 2: mix2NEON, 4: mix4NEON},
	},
}
