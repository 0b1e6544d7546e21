package ilink

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// SendPicture says a part with a picture above it; the text may be empty. Each is a
// reply of its own. A picture is not kept: where WeChat takes none, the fault has
// the entry "ilink-window-closed", and nothing was said. See [bot.Pictures].
func (c *Channel) SendPicture(ctx context.Context, p bot.Part, png []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSend, fmt.Errorf("panic: %v", v))
		}
	}()
	if len(png) == 0 || len(png) > maxMedium {
		return unfit("a picture over the limits of the channel")
	}
	if f := c.picture(ctx, p, png); f != nil {
		return f
	}
	if p.Text == "" {
		return nil
	}
	return c.Send(ctx, p)
}

// picture sends a picture.
func (c *Channel) picture(ctx context.Context, p bot.Part, png []byte) *troubleshoot.Fault {
	_, k, done, f := c.ready(ctx, bot.Part{To: p.To, Text: "-"})
	if f != nil {
		return f
	}
	defer done()
	if f := k.catchUp(ctx, p.To.ID, true); f != nil {
		return f
	}
	if c.book.waits(p.To.ID) {
		return closed(errWaits)
	}
	ctx, cancel := context.WithTimeout(ctx, mediaTime)
	defer cancel()
	u, f := k.upload(ctx, p.To.ID, png)
	if f != nil {
		return f
	}
	_, f = k.submit(ctx, p.To.ID, clientID(p.ID)+"-picture", u.image(), c.book.pass(p.To.ID, k.Bot), true)
	return f
}

// image is the item of an uploaded picture.
func (u *uploaded) image() any {
	return map[string]any{
		"type": itemImage,
		"image_item": map[string]any{
			"media": map[string]any{
				"encrypt_query_param": u.param, "encrypt_type": 1,
				"aes_key": base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(u.key))),
			},
			"mid_size": u.size,
		},
	}
}
