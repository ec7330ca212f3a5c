package main

import "testing"

// A token that is in the environment gets into the URL of a queue that has none, whatever it is made of.
func TestQueueToken(t *testing.T) {
	for _, c := range [][3]string{
		{"nats://host:4222", "a/b#c", "nats://a%2Fb%23c@host:4222"},
		{"listen://", "secret", "listen://secret@"},
		{"nats://other@host:4222", "secret", "nats://other@host:4222"},
		{"nats://host:4222", "", "nats://host:4222"},
		{"nats://host:port", "secret", "nats://host:port"},
	} {
		if got := withToken(c[0], c[1]); got != c[2] {
			t.Errorf("%s and %q: %s; want %s", c[0], c[1], got, c[2])
		}
	}
}
