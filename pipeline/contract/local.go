package contract

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
)

// A local is a method that treats each frame by itself, in the form that all such
// methods can be brought to: in numbers of a frame to out numbers of it.
type local struct {
	in, out int
	input   func(n int) []float64 // n frames that the method accepts
	// call runs the method on the n frames of src, in new memory. touched is set if an
	// argument was modified.
	call func(ctx context.Context, src []float64, n int) (out []float64, touched, err error)
	// mayFinish: the method may do its work in spite of a done context.
	mayFinish bool
}

// A maker makes the method of a stage afresh, m samples or bins to a frame; 0 is the
// usual number. The few frames of a small m make long runs quick.
type maker func(ctx context.Context, s *subject, m int) (*local, error)

// usual is the number of frames in most checks; cut is where two calls are parted, so
// that one is much shorter than the other and neither is a power of two.
const usual, cut = 203, 7

// localChecks are the promises of a frame-local method.
func localChecks(name string, again maker) []check {
	with := func(f func(ctx context.Context, s *subject, l *local) error) func(context.Context, *subject) error {
		return func(ctx context.Context, s *subject) error {
			l, err := again(ctx, s, 0)
			if err != nil {
				return err
			}
			return f(ctx, s, l)
		}
	}
	return []check{
		{name + ": shapes", "Every number of the result is written, finite, and nothing beside it.",
			"check the index [n*F+f] or [n*M+m], and that all n frames are written (Python: the shape of what is returned)", func(ctx context.Context, s *subject) error {
				err := ordinary(with(shapesKept)(ctx, s))
				var only *stop
				if errors.As(err, &only) { // of this method: another may work
					err = only.error
				}
				return err
			}},
		{name + ": " + twice, "The result is a function of the arguments alone.",
			"use no clock, no global random numbers, no order of a map or set, no sum in the order in which threads end", with(repeats(again))},
		{name + ": frame-local", "One call gives the same bits as two calls with a part of the frames each.",
			"keep no state between frames and add in an order that does not depend on the number of frames; a matrix product may change its order with its size", with(splits)},
		{name + ": concurrent calls", "The method may be called from several threads at once.",
			"make scratch memory in the call, not in the stage (Go: or take it from a sync.Pool)", with(concurrent)},
		{name + ": arguments untouched", "Arguments are not modified, except dst.",
			"copy what you need to change", with(untouched)},
		{name + ": cancellation", "A method returns soon after it is cancelled, with an error that says so.",
			cancelHint + ", every few frames", with(cancels)},
		{name + ": zeros", "Silence is no fault: frames of zeros among others give finite numbers.",
			"look for a division by a norm or a sum that can be 0", with(zeros)},
		{name + ": NaN", "A NaN is refused by an error, or stays in the frame it came in.",
			"return an error that names the frame", with(nans)},
		{name + ": no frame and one", "A run may have one frame, or none.",
			"let loops, not special cases, handle short runs", with(short)},
		{name + ": many frames", "A run may be very long.",
			"allocate nothing that grows faster than the frames, and let indices have 64 bits",
			func(ctx context.Context, s *subject) error { return long(ctx, s, again) }},
	}
}

// of returns the result for all n usual frames, failing on any fault.
func (l *local) of(ctx context.Context, src []float64) ([]float64, error) {
	out, _, err := l.call(ctx, src, len(src)/l.in)
	if err != nil {
		return nil, fmt.Errorf("the call fails where it should not: %w", err)
	}
	return out, nil
}

func shapesKept(ctx context.Context, _ *subject, l *local) error {
	out, err := l.of(ctx, l.input(usual))
	if err != nil {
		return err
	}
	return finite(out)
}

func splits(ctx context.Context, _ *subject, l *local) error {
	src := l.input(usual)
	whole, err := l.of(ctx, src)
	if err != nil {
		return err
	}
	for _, at := range []int{cut, usual / 2} {
		first, err := l.of(ctx, src[:at*l.in])
		if err != nil {
			return err
		}
		second, err := l.of(ctx, src[at*l.in:])
		if err != nil {
			return err
		}
		if err := sameBits(whole, append(first, second...)); err != nil {
			return fmt.Errorf("%d frames in one call, and %d and %d in two: %w; want the same bits", usual, at, usual-at, err)
		}
	}
	return nil
}

func repeats(again maker) func(ctx context.Context, s *subject, l *local) error {
	return func(ctx context.Context, s *subject, l *local) error {
		src := l.input(usual)
		first, err := l.of(ctx, src)
		if err != nil {
			return err
		}
		fresh, err := again(ctx, s, 0)
		if err != nil {
			return err
		}
		for _, method := range []*local{l, fresh} {
			second, err := method.of(ctx, src)
			if err != nil {
				return err
			}
			if err := want(sameBits(first, second), "the same bits at every call"); err != nil {
				return err
			}
		}
		return nil
	}
}

func concurrent(ctx context.Context, _ *subject, l *local) error {
	src := l.input(usual)
	alone, err := l.of(ctx, src)
	if err != nil {
		return err
	}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("it panicked: %v", v)
				}
			}()
			// Different frames, so that shared scratch memory shows.
			from := i * usual / len(errs)
			out, err := l.of(ctx, src[from*l.in:])
			if err == nil {
				err = sameBits(alone[from*l.out:], out)
			}
			errs[i] = err
		}()
	}
	wg.Wait()
	return want(one(errs), "the bits of a call alone")
}

func untouched(ctx context.Context, _ *subject, l *local) error {
	_, touched, err := l.call(ctx, l.input(usual), usual)
	return errors.Join(err, touched)
}

func cancels(ctx context.Context, _ *subject, l *local) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err := l.call(ctx, l.input(usual), usual)
	return cancelled(err, l.mayFinish)
}

func cancelled(err error, mayFinish bool) error {
	if errors.Is(err, context.Canceled) || err == nil && mayFinish {
		return nil
	}
	return fmt.Errorf("the call was cancelled and the error is %v; want one that says so (Go: context.Canceled, or an error that wraps it)", err)
}

func zeros(ctx context.Context, _ *subject, l *local) error {
	src := l.input(usual)
	clear(src[cut*l.in : 2*cut*l.in])
	out, err := l.of(ctx, src)
	if err != nil {
		return err
	}
	if err := finite(out); err != nil {
		return fmt.Errorf("with %d frames of zeros: %w", cut, err)
	}
	return nil
}

func nans(ctx context.Context, _ *subject, l *local) error {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		src := l.input(usual)
		good, err := l.of(ctx, src)
		if err != nil {
			return err
		}
		src[cut*l.in] = bad
		out, _, err := l.call(ctx, src, usual)
		if err != nil {
			continue
		}
		if err := errors.Join(sameBits(good[:cut*l.out], out[:cut*l.out]), sameBits(good[(cut+1)*l.out:], out[(cut+1)*l.out:])); err != nil {
			return fmt.Errorf("a %v in frame %d changes other frames: %w; want an error, or only that frame's numbers", bad, cut, err)
		}
	}
	return nil
}

func short(ctx context.Context, _ *subject, l *local) error {
	src := l.input(usual)
	for n := range 2 {
		out, _, err := l.call(ctx, src[:n*l.in], n)
		if err == nil {
			err = finite(out)
		}
		if err != nil {
			return fmt.Errorf("a run of %d frames fails: %w", n, err)
		}
	}
	return nil
}

func long(ctx context.Context, s *subject, again maker) error {
	l, err := again(ctx, s, 4)
	if err != nil { // so few are refused
		if l, err = again(ctx, s, 0); err != nil {
			return err
		}
	}
	out, err := l.of(ctx, l.input(s.o.Many))
	if err != nil {
		return fmt.Errorf("a run of %d frames: %w", s.o.Many, err)
	}
	return finite(out)
}
