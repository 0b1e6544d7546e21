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

func BenchmarkLargeBody(b *testing.B) {
	c := load(b)
	bodies := map[string]string{
		"braces":  strings.Repeat(`{"a":`, maxBody/5),
		"words":   strings.Repeat("the model ", maxBody/10),
		"html":    "<html>" + strings.Repeat("<p>rate limit</p>", maxBody/17),
		"message": `{"error":{"message":"` + strings.Repeat("exceeded your ", maxBody/14) + `"}}`,
		"digits":  strings.Repeat("429 ", maxBody/4),
		"quotes":  strings.Repeat(`'" `, maxBody/3),
		"keys":    strings.Repeat("sk-abcdefgh12345678 ", maxBody/20),
		"nested":  strings.Repeat(`{"message":"{\"message\":`, maxBody/25),
		"wait":    strings.Repeat("retry in ", maxBody/9),
		"escapes": `{"message":"` + strings.Repeat(`\"`, maxBody/2),
	}
	for name, body := range bodies {
		b.Run(name, func(b *testing.B) {
			o := Observation{Status: 400, Body: []byte(body), At: zooTime}
			for b.Loop() {
				c.Diagnose(Normalize(o))
			}
		})
	}
}
