package bot

import "testing"

// TestVerbs are understood in the languages of the commands.
func TestVerbs(t *testing.T) {
	control := &fakeControl{stage: &stage{}}
	control.sources = sourcesOf("openai-main", "azure")
	adminWorld(t, func(o *Options) { o.Sources, o.Control = control, control }, func(w *world) {
		w.hear(byOwner("/lang en"))
		w.texts()
		for _, c := range [][2]string{
			{"#服务商 使用 azure", w.ui("provider_use_done", "name", "azure")},
			{"/provider 停用 azure", w.ui("provider_cool_done", "name", "azure")},
			{"/provider 再開 azure", w.ui("provider_resume_done", "name", "azure")},
			{"/provider use AUTO", w.ui("provider_auto_done")},
			{"/provider 喝 azure", w.ui("provider_usage")},
			{"/key 삭제 azure main", w.ui("control_last_key")},
		} {
			w.hear(byOwner(c[0]))
			if got := w.texts(); len(got) != 1 || got[0] != c[1] {
				t.Errorf("%s: said %q, want %q", c[0], got, c[1])
			}
		}
	})
}
