package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often, at most, the files of a certificate are looked at.
const lookEvery = time.Second

// Certificate is a TLS certificate in two files, which may be replaced while
// it is used.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  string    // of the files that pair is from, or that could not be read
	looked time.Time // when the files were looked at last
}

// LoadCertificate reads a certificate, with those that lead from it to its
// authority, and its key; both are PEM.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.stamp = c.stampNow() // before the reading: a change meanwhile is seen later
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", certFile, keyFile, err)
	}
	c.pair = &pair
	return c, nil
}

// Config is for a listener that speaks HTTP/1.1, as Ray's does, over TLS 1.2
// or later. A handshake after the files have changed gets the new certificate.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current(), nil
		},
	}
}

// current reads the files again when they have changed. Those of a half done
// change, which do not fit, are not used; the certificate from before is.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookEvery {
		return c.pair
	}
	c.looked = time.Now()
	stamp := c.stampNow()
	if stamp == c.stamp {
		return c.pair
	}
	c.stamp = stamp
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		c.log.Warn("the new certificate cannot be used; the old one stays", "cert", c.certFile, "key", c.keyFile, "err", err)
		return c.pair
	}
	c.log.Info("the certificate was read again", "cert", c.certFile, "until", pair.Leaf.NotAfter)
	c.pair = &pair
	return c.pair
}

func (c *Certificate) stampNow() string {
	text := ""
	for _, file := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			text += fmt.Sprintf("%d %d ", info.ModTime().UnixNano(), info.Size())
		}
	}
	return text
}

// Names are what clients may call the server by: the names and addresses that
// the certificate is for, without patterns.
func (c *Certificate) Names() []string {
	leaf := c.current().Leaf
	var names []string
	for _, name := range leaf.DNSNames {
		if name != "" && name[0] != '*' {
			names = append(names, name)
		}
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// IsTrusted reports whether this machine trusts the certificate's authority,
// so that clients need not be told of it.
func (c *Certificate) IsTrusted() bool {
	pair := c.current()
	between := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(cert)
		}
	}
	_, err := pair.Leaf.Verify(x509.VerifyOptions{Intermediates: between})
	return err == nil
}
