package bot_test

import (
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/storetest"
)

func TestKilled(t *testing.T) {
	storetest.Killed(t, func(*testing.T) bot.Store { return bot.NewMemory() })
}
