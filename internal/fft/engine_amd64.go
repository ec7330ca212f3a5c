package fft

var engines = map[string]*engine{
	"avx512": {
		lanes: 8,
		radix: [9]func(*uint64){2: radix2AVX512, 3: radix3AVX512, 4: radix4AVX512, 5: radix5AVX512, 8: radix8AVX512},
		last:  [9]func(*uint64){2: radix2AVX512_last, 3: radix3AVX512_last, 4: radix4AVX512_last, 5: radix5AVX512_last, 8: radix8AVX512_last},
		odd:   radixOddAVX512,
		mix:   [5]func(dst, src, table *float64, rows int){1: mix1AVX512, 2: mix2AVX512, 4: mix4AVX512},
	},
	"avx2": {
		lanes: 4,
		radix: [9]func(*uint64){2: radix2AVX2, 3: radix3AVX2, 4: radix4AVX2},
		last:  [9]func(*uint64){2: radix2AVX2_last, 3: radix3AVX2_last, 4: radix4AVX2_last},
		odd:   radixOddAVX2,
		mix:   [5]func(dst, src, table *float64, rows int){1: mix1AVX2, 2: mix2AVX2, 4: mix4AVX2},
	},
}
