package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// account is the only service account that there is.
type account struct{ key *rsa.PublicKey }

func readAccount(path string) account {
	content, err := os.ReadFile(path)
	must(err)
	block, _ := pem.Decode(content)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(err)
	return account{key.(*rsa.PublicKey)}
}

// check lets in whoever has signed a token with the account's key, as Google does.
func (known account) check(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	told, _ := metadata.FromIncomingContext(ctx)
	for _, header := range told.Get("authorization") {
		if known.signed(strings.TrimPrefix(header, "Bearer ")) {
			return next(ctx, request)
		}
	}
	return nil, status.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
}

func (known account) signed(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(known.key, crypto.SHA256, digest[:], signature) != nil {
		return false
	}
	content, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Expires int64 `json:"exp"`
	}
	return json.Unmarshal(content, &claims) == nil && time.Now().Unix() < claims.Expires
}

// selfSigned makes a certificate for loopback, and writes it where clients find it.
func selfSigned(path string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	content, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: content}), 0o600))
	return tls.Certificate{Certificate: [][]byte{content}, PrivateKey: key}
}
