package sync

import (
	"context"
	"testing"

	"archiver/internal/storage"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"
)

// The server runs in the same process: internal/benchmark measures the archiver alone.
func BenchmarkFirstSync(b *testing.B) {
	const messages = 40_000
	server := teamchattest.Start(b, teamchattest.Generate(teamchattest.GenerateOptions{Seed: 1, Messages: messages}), teamchattest.ServerOptions{})
	for b.Loop() {
		res := benchmarkRun(b, server.URL)
		if got := res.MessagesNew + res.CommentsNew; got != messages {
			b.Fatalf("%d messages", got)
		}
	}
	b.ReportMetric(messages*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func benchmarkRun(b *testing.B, url string) *Result {
	b.Helper()
	client, err := teamchat.New(teamchat.Options{
		URL: url, Username: "archive@example.com", Password: func(context.Context) (string, error) { return "secret", nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close(b.Context())
	a, err := storage.Create(b.Context(), b.TempDir(), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	res, err := Run(b.Context(), Options{Client: client, Archive: a})
	if err != nil || res.Outcome != Complete {
		b.Fatalf("%+v, %v", res, err)
	}
	return res
}
