package journeys

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestACustomersSide is a visitor's whole way in a browser: told when the desk is
// back, answered, asked to rate once, rating by a star and by a link.
func TestACustomersSide(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	site := h.channel("chat", "Site", map[string]any{"phone": "+98 21 1234 5678", "sms": "+98 912 345 6789"})
	asks := h.channel("chat", "Asks first", map[string]any{"form": []string{"name*", "mail", "choice* plan: en=Plan; fa=طرح | Calm; Family"}, "requests": true,
		"invites": []string{"page=/*, time=1, event=cart | en=Can we help you choose?; fa=در انتخاب کمک کنیم؟"}})
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// As strict as a site may be, and nobody but the desk may be asked for anything.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+h.base+"; connect-src "+h.base+" "+"ws"+h.base[4:]+"; img-src "+h.base+"; media-src blob: "+h.base+"; require-trusted-types-for 'script'; trusted-types holdfast")
		lang, site := r.URL.Query().Get("lang"), site
		if r.URL.Query().Get("asks") != "" {
			site = asks
		}
		fmt.Fprintf(w, `<!doctype html><html lang="%s"><title>Shop</title><h1 id="cart">Shop</h1><script async src="%s/widget.js" data-channel="%s"></script>`, lang, h.base, site)
	}))
	defer shop.Close()
	play(t, "customer.mjs", "PAGE="+shop.URL, "HOLDFAST_URL="+h.base, "TOKEN="+h.token, "SITE="+site.String(), "ASKS="+asks.String())
}
