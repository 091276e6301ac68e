# Holdfast. "make run" starts a desk, "make test" runs everything that can run here.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      ?= go
FLAGS   := -trimpath -ldflags "-s -w -X holdfast.Version=$(VERSION)"
# SQLite is C turned into Go, for one goroutine at a time: watching each of its accesses finds nothing of ours, and tests take four times as long.
RACE    := $(shell command -v gcc >/dev/null 2>&1 && echo -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false)
WEB     := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' -not -name '*.go' 2>/dev/null)

# Tests whose time is turned by hand. Two goroutines of such a bubble may run timers with one
# context of the race detector, which then crashes (Go 1.26): these run on one processor.
BUBBLES := grep -rl --include='*.go' '"testing/synctest"' . | xargs -n1 dirname | sort -u

# These start whole programs and browsers: one after the other, with the machine to themselves.
WHOLE   := /(bench|demo|faults|journeys)$$

.PHONY: run demo build test test-go test-web check bench perf screens pictures types fmt clean

run: build ## start a desk on http://localhost:8080, data in ./data
	./bin/holdfast serve

demo: build ## start a desk with a demo workspace
	./bin/holdfast demo

build: web/dist/.built
	CGO_ENABLED=0 $(GO) build $(FLAGS) -o bin/holdfast ./cmd/holdfast

# The web parts are built when a source of theirs is newer than the last build.
web/dist/.built: $(WEB)
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	@touch $@

test: test-go test-web

test-go: web/dist/.built
	$(GO) vet ./...
	$(GO) test $(RACE) -cpu 1 -timeout 25m $$($(GO) list $$($(BUBBLES)) | grep -vE '$(WHOLE)')
	$(GO) test $(RACE) -timeout 25m $$($(GO) list ./... | grep -vE '$(WHOLE)' | grep -vxF "$$($(GO) list $$($(BUBBLES)))")
	$(GO) test -p 1 -timeout 20m $$($(GO) list ./... | grep -E '$(WHOLE)')

test-web: web/dist/.built
	cd web && npm test --silent

check: ## what a reviewer would ask first
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) test -run 'TestRooms|TestEveryRoom|TestDialects|TestFiles' .

bench: build ## measure this machine
	./bin/holdfast bench

perf: build ## measure the console and the chat in Chromium, against what they promise
	node web/test/perf.mjs

screens: build ## pictures of every screen, into ./screens
	node web/test/screens.mjs

pictures: build ## the README's pictures, of an outage in the demo, into docs/pictures
	node web/test/pictures.mjs

types: ## the web parts' types, from the API's own description
	$(GO) run ./cmd/holdfast openapi --types > web/protocol/openapi.json
	cd web && npm exec --yes --package=openapi-typescript@7.13.0 --package=typescript@5.9.3 -- \
		openapi-typescript protocol/openapi.json -o protocol/api.gen.ts --default-non-nullable=false
	rm web/protocol/openapi.json

fmt:
	gofmt -w $$(git ls-files '*.go')

clean:
	rm -rf bin screens web/dist/console web/dist/widget web/dist/.built
