// A go-libp2p peer that runs services: a kad-dht server and a circuit relay, and a client of both.
// One JSON request per line on stdin, one JSON answer per line on stdout; the first line says where
// it listens. It ends when stdin does.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

const echoProtocol protocol.ID = "/test/echo/1.0.0"

type request struct {
	Op    string `json:"op"`
	Addr  string `json:"addr"`
	Key   string `json:"key"`
	Value string `json:"value"`
	Bytes int    `json:"bytes"`
}

type answer struct {
	Error   string   `json:"error,omitempty"`
	Addr    string   `json:"addr,omitempty"`
	Value   string   `json:"value,omitempty"`
	Peers   []string `json:"peers,omitempty"`
	Limited bool     `json:"limited,omitempty"`
	Bytes   uint64   `json:"bytes,omitempty"`
	Seconds float64  `json:"seconds,omitempty"`
}

// Takes every record of its namespace, and the first one when there are several.
type anything struct{}

func (anything) Validate(string, []byte) error        { return nil }
func (anything) Select(string, [][]byte) (int, error) { return 0, nil }

type node struct {
	host host.Host
	dht  *dht.IpfsDHT
}

func main() {
	resources := relay.DefaultResources()
	resources.Limit = &relay.RelayLimit{Duration: time.Minute, Data: 4 << 20}
	h, err := libp2p.New(
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		// Else the relay service waits until autonat has found the node to be public.
		libp2p.ForceReachabilityPublic(),
		libp2p.EnableRelayService(relay.WithResources(resources)),
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
	kad, err := dht.New(h,
		dht.Mode(dht.ModeServer),
		dht.ProtocolPrefix("/test"),
		dht.Validator(record.NamespacedValidator{"test": anything{}}),
		dht.RoutingTablePeerDiversityFilter(nil),
		dht.DisableAutoRefresh(),
	)
	if err != nil {
		fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	out.Encode(answer{Addr: fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID())})

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		result, err := node{h, kad}.carryOut(ctx, r)
		cancel()
		if err != nil {
			result.Error = err.Error()
		}
		out.Encode(result)
	}
	kad.Close()
	h.Close()
}

func (n node) carryOut(ctx context.Context, r request) (answer, error) {
	switch r.Op {
	case "connect":
		_, err := n.connect(ctx, r.Addr)
		return answer{}, err
	case "routed":
		return answer{}, n.routed(ctx, r.Addr)
	case "put":
		return answer{}, n.dht.PutValue(ctx, r.Key, []byte(r.Value))
	case "get":
		value, err := n.dht.GetValue(ctx, r.Key)
		return answer{Value: string(value)}, err
	case "provide":
		id, err := cid.Decode(r.Key)
		if err != nil {
			return answer{}, err
		}
		return answer{}, n.dht.Provide(ctx, id, true)
	case "providers":
		id, err := cid.Decode(r.Key)
		if err != nil {
			return answer{}, err
		}
		providers, err := n.dht.FindProviders(ctx, id)
		var result answer
		for _, p := range providers {
			result.Peers = append(result.Peers, p.ID.String())
		}
		return result, err
	case "reserve":
		return n.reserve(ctx, r.Addr)
	case "echo":
		return n.echo(ctx, r.Addr, r.Bytes)
	}
	return answer{}, fmt.Errorf("no such operation: %s", r.Op)
}

func (n node) connect(ctx context.Context, addr string) (peer.AddrInfo, error) {
	info, err := peer.AddrInfoFromString(addr)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	return *info, n.host.Connect(ctx, *info)
}

// Waits until the peer is in the routing table.
func (n node) routed(ctx context.Context, addr string) error {
	info, err := peer.AddrInfoFromString(addr)
	if err != nil {
		return err
	}
	for n.dht.RoutingTable().Find(info.ID) == "" {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// A place at the relay, whose voucher the client verifies.
func (n node) reserve(ctx context.Context, addr string) (answer, error) {
	info, err := n.connect(ctx, addr)
	if err != nil {
		return answer{}, err
	}
	reservation, err := client.Reserve(ctx, n.host, info)
	if err != nil {
		return answer{}, err
	}
	if reservation.Voucher == nil || reservation.Voucher.Peer != n.host.ID() {
		return answer{}, fmt.Errorf("the reservation has no voucher for us: %v", reservation.Voucher)
	}
	return answer{
		Addr:    fmt.Sprintf("%s/p2p-circuit/p2p/%s", addr, n.host.ID()),
		Bytes:   reservation.LimitData,
		Seconds: reservation.LimitDuration.Seconds(),
	}, nil
}

// Sends bytes through the peer's echo, over a limited connection if need be.
func (n node) echo(ctx context.Context, addr string, bytes int) (answer, error) {
	info, err := n.connect(ctx, addr)
	if err != nil {
		return answer{}, err
	}
	s, err := n.host.NewStream(network.WithAllowLimitedConn(ctx, "test"), info.ID, echoProtocol)
	if err != nil {
		return answer{}, err
	}
	defer s.Reset()
	limited := s.Conn().Stat().Limited
	data := make([]byte, bytes)
	rand.Read(data)
	failed := make(chan error, 1)
	go func() {
		if _, err := s.Write(data); err != nil {
			failed <- err
			return
		}
		failed <- s.CloseWrite()
	}()
	back, err := io.ReadAll(s)
	if err != nil {
		return answer{}, fmt.Errorf("after %d bytes: %w", len(back), err)
	}
	if err := <-failed; err != nil {
		return answer{}, err
	}
	if string(back) != string(data) {
		return answer{}, fmt.Errorf("%d bytes were sent, %d others came back", bytes, len(back))
	}
	return answer{Limited: limited}, nil
}

func fatal(err error) {
	json.NewEncoder(os.Stdout).Encode(answer{Error: err.Error()})
	os.Exit(1)
}
