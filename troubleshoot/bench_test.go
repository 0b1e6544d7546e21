package troubleshoot

import (
	"strings"
	"testing"
)

const typicalBody = `{"error":{"message":"Rate limit reached for gpt-4o-mini in organization org-TESTTESTTEST on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit the limits page to learn more about how limits work and how to raise them.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`

func BenchmarkNormalizeAndDiagnose(b *testing.B) {
	c := load(b)
	o := Observation{Source: SourceAPI, Status: 429, Body: []byte(typicalBody), At: zooTime}
	b.ReportAllocs()
	b.SetBytes(int64(len(typicalBody)))
	for b.Loop() {
		c.Diagnose(Normalize(o))
	}
}

func BenchmarkDiagnoseStatusOnly(b *testing.B) {
	c := load(b)
	f := &Fault{Source: SourceAPI, Status: 503}
	b.ReportAllocs()
	for b.Loop() {
		c.Diagnose(f)
	}
}

func BenchmarkExplain(b *testing.B) {
	c := load(b)
	for _, a := range []Audience{AudienceUser, AudienceAdmin} {
		b.Run(string(a), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Explain("gpt-401", Telling{Audience: a, Locale: "zh-Hans", Ref: "7K2F"})
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		load(b)
	}
}

func BenchmarkLoadAndExplain(b *testing.B) {
	for b.Loop() {
		load(b).Explain("gpt-401", Telling{Locale: "zh-Hans", Ref: "7K2F"})
	}
}

func BenchmarkLoadAndSpeakAll(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		c := load(b)
		for _, l := range c.Locales() {
			c.Say(l.Tag, "ref")
		}
	}
}

// BenchmarkFirstUse is the pause before a language's first text.
func BenchmarkFirstUse(b *testing.B) {
	for _, tag := range required {
		b.Run(tag, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l := locale{file: "locales/" + tag + ".yaml"}
				l.texts()
			}
		})
	}
}

func BenchmarkLargeBody(b *testing.B) {
	c := load(b)
	for name, unit := range hostile {
		body := strings.Repeat(unit, maxBody/len(unit))
		b.Run(name, func(b *testing.B) {
			o := Observation{Status: 400, Body: []byte(body), At: zooTime}
			for b.Loop() {
				c.Diagnose(Normalize(o))
			}
		})
	}
}
