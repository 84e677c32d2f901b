// A go-libp2p peer for the interop tests: serves echo, half-close and reset, and does the same
// against others when told to. One JSON request per line on stdin, one JSON answer per line on
// stdout; the first line says where it listens. It ends when stdin does.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

const (
	echoProtocol  protocol.ID = "/test/echo/1.0.0"
	hashProtocol  protocol.ID = "/test/hash/1.0.0"
	resetProtocol protocol.ID = "/test/reset/1.0.0"
)

type request struct {
	Op    string `json:"op"`
	Addr  string `json:"addr"`
	Bytes int    `json:"bytes"`
	Count int    `json:"count"`
}

type answer struct {
	Error     string   `json:"error,omitempty"`
	Addr      string   `json:"addr,omitempty"`
	Agent     string   `json:"agent,omitempty"`
	Protocols []string `json:"protocols,omitempty"`
	Security  string   `json:"security,omitempty"`
	Muxer     string   `json:"muxer,omitempty"`
	Micros    int64    `json:"micros,omitempty"`
}

func main() {
	security := flag.String("security", "noise", "noise or tls")
	flag.Parse()
	option := libp2p.Security(noise.ID, noise.New)
	if *security == "tls" {
		option = libp2p.Security(libp2ptls.ID, libp2ptls.New)
	}
	h, err := libp2p.New(
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		option,
	)
	if err != nil {
		fatal(err)
	}
	h.SetStreamHandler(echoProtocol, func(s network.Stream) {
		if _, err := io.Copy(s, s); err != nil {
			s.Reset()
			return
		}
		s.Close()
	})
	// Answers only after it has seen the end of what comes: both directions end on their own.
	h.SetStreamHandler(hashProtocol, func(s network.Stream) {
		sum := sha256.New()
		if _, err := io.Copy(sum, s); err != nil {
			s.Reset()
			return
		}
		s.Write(sum.Sum(nil))
		s.Close()
	})
	h.SetStreamHandler(resetProtocol, func(s network.Stream) {
		io.ReadFull(s, make([]byte, 1))
		s.Reset()
	})
	out := json.NewEncoder(os.Stdout)
	out.Encode(answer{Addr: fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID())})

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		result, err := carryOut(ctx, h, r)
		cancel()
		if err != nil {
			result.Error = err.Error()
		}
		out.Encode(result)
	}
	h.Close()
}

func carryOut(ctx context.Context, h host.Host, r request) (answer, error) {
	info, err := peer.AddrInfoFromString(r.Addr)
	if err != nil {
		return answer{}, err
	}
	if err := h.Connect(ctx, *info); err != nil {
		return answer{}, err
	}
	switch r.Op {
	case "ping":
		result := <-ping.Ping(ctx, h, info.ID)
		return answer{Micros: result.RTT.Microseconds() + 1}, result.Error
	case "identify":
		return identify(ctx, h, info.ID)
	case "echo":
		return answer{}, echo(ctx, h, info.ID, r.Bytes)
	case "streams":
		return answer{}, streams(ctx, h, info.ID, r.Count, r.Bytes)
	case "hash":
		return answer{}, halfClose(ctx, h, info.ID, r.Bytes)
	case "reset":
		return answer{}, reset(ctx, h, info.ID)
	case "close":
		return answer{}, h.Network().ClosePeer(info.ID)
	}
	return answer{}, fmt.Errorf("no such operation: %s", r.Op)
}

// Identify has run when Connect returns; the peerstore holds what it found.
func identify(ctx context.Context, h host.Host, id peer.ID) (answer, error) {
	protocols, err := h.Peerstore().GetProtocols(id)
	if err != nil {
		return answer{}, err
	}
	var result answer
	for _, p := range protocols {
		result.Protocols = append(result.Protocols, string(p))
	}
	if agent, err := h.Peerstore().Get(id, "AgentVersion"); err == nil {
		result.Agent, _ = agent.(string)
	}
	state := h.Network().ConnsToPeer(id)[0].ConnState()
	result.Security = string(state.Security)
	result.Muxer = string(state.StreamMultiplexer)
	return result, nil
}

// chunk i of what is sent; differs from chunk to chunk.
func fill(buffer []byte, i int) {
	for j := range buffer {
		buffer[j] = byte(i*31 + j)
	}
}

func echo(ctx context.Context, h host.Host, id peer.ID, bytes int) error {
	s, err := h.NewStream(ctx, id, echoProtocol)
	if err != nil {
		return err
	}
	defer s.Reset()
	sent, received := sha256.New(), sha256.New()
	failed := make(chan error, 1)
	go func() {
		buffer := make([]byte, 50_000)
		for i, left := 0, bytes; left > 0; i++ {
			part := buffer[:min(left, len(buffer))]
			fill(part, i)
			sent.Write(part)
			if _, err := s.Write(part); err != nil {
				failed <- err
				return
			}
			left -= len(part)
		}
		failed <- s.CloseWrite()
	}()
	n, err := io.Copy(received, s)
	if err != nil {
		return fmt.Errorf("after %d bytes: %w", n, err)
	}
	if err := <-failed; err != nil {
		return err
	}
	if n != int64(bytes) || string(sent.Sum(nil)) != string(received.Sum(nil)) {
		return fmt.Errorf("%d bytes were sent, %d others came back", bytes, n)
	}
	return nil
}

func streams(ctx context.Context, h host.Host, id peer.ID, count, bytes int) error {
	var wait sync.WaitGroup
	failures := make([]error, count)
	for i := range count {
		wait.Go(func() { failures[i] = echo(ctx, h, id, bytes) })
	}
	wait.Wait()
	return errors.Join(failures...)
}

func halfClose(ctx context.Context, h host.Host, id peer.ID, bytes int) error {
	s, err := h.NewStream(ctx, id, hashProtocol)
	if err != nil {
		return err
	}
	defer s.Close()
	data := make([]byte, bytes)
	fill(data, 7)
	if _, err := s.Write(data); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	sum, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	want := sha256.Sum256(data)
	if string(sum) != string(want[:]) {
		return fmt.Errorf("the hash after the half-close is wrong: %x", sum)
	}
	return nil
}

func reset(ctx context.Context, h host.Host, id peer.ID) error {
	s, err := h.NewStream(ctx, id, resetProtocol)
	if err != nil {
		return err
	}
	if _, err := s.Write([]byte{1}); err != nil {
		return err
	}
	_, err = io.ReadAll(s)
	if !errors.Is(err, network.ErrReset) {
		return fmt.Errorf("expected a reset, got %v", err)
	}
	return nil
}

func fatal(err error) {
	json.NewEncoder(os.Stdout).Encode(answer{Error: err.Error()})
	os.Exit(1)
}
