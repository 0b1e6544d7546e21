package bot

import (
	"context"
	"errors"
	"sync"

	"github.com/diagbot/diagbot/llm"
)

// view is a picture that is shown to a model.
type view struct {
	ref    string
	pieces []llm.Picture
	err    error // why it is not
}

// look fetches pictures that were sent together, several at a time, until the room
// for their pieces is used up. It fails if there is none to be shown.
func (r *Relay) look(ctx context.Context, all []*Medium, room int) (shown []view, err error) {
	for len(all) > 0 && room > 0 {
		n := min(room, len(all))
		for _, v := range r.views(ctx, all[:n]) {
			switch {
			case v.err == nil && len(v.pieces) <= room:
				shown, room = append(shown, v), room-len(v.pieces)
			case err == nil:
				err = v.err
			}
		}
		all = all[n:]
		if len(shown) == 0 && !errors.As(err, new(unseen)) {
			return nil, err // the others would fail like that, and take as long
		}
	}
	if len(shown) > 0 && ctx.Err() == nil {
		return shown, nil
	}
	if ctx.Err() != nil && err == nil {
		err = context.Cause(ctx)
	}
	return nil, err
}

// views fetches pictures at the same time.
func (r *Relay) views(ctx context.Context, all []*Medium) []view {
	views := make([]view, len(all))
	var fetching sync.WaitGroup
	for i, m := range all {
		fetching.Go(func() { views[i] = r.view(ctx, m) })
	}
	fetching.Wait()
	return views
}

func (r *Relay) view(ctx context.Context, m *Medium) (v view) {
	defer func() {
		if p := recover(); p != nil {
			v.err = panicked("the channel", p)
		}
	}()
	x, err := r.exhibit(ctx, Message{Kind: KindImage, Medium: m})
	return view{m.Ref, x.pieces, err}
}
