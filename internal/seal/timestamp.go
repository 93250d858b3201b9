package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
)

// Limits of a request to an authority.
const (
	authorityWait = 30 * time.Second
	maxAnswer     = 1 << 20
)

// ErrOther means that a token or signature is about something else than the file.
var ErrOther = errors.New("is about another file")

// Timestamp is what a token says.
type Timestamp struct {
	Time      time.Time `json:"time"`
	Authority string    `json:"authority"` // subject of the certificate that signed, "" without one
	Serial    string    `json:"serial"`
}

// RequestTimestamp asks the authority at url for a token of the SHA-512 of a file's content. It gives the authority's
// answer as it came (DER, a TimeStampResp), which was checked: it is signed, about this content and for this request.
// Whether the authority is to be trusted is for those to say who verify it.
func RequestTimestamp(ctx context.Context, client *http.Client, url string, content io.Reader) (answer []byte, err error) {
	sum := sha512.New()
	if _, err := io.Copy(sum, content); err != nil {
		return nil, err
	}
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	request := timestamp.Request{HashAlgorithm: crypto.SHA512, HashedMessage: sum.Sum(nil), Certificates: true, Nonce: nonce}
	query, err := request.Marshal()
	if err != nil {
		return nil, fmt.Errorf("time stamp request: %w", err)
	}
	if answer, err = ask(ctx, client, url, query); err != nil {
		return nil, fmt.Errorf("time stamping authority %s: %w", url, err)
	}
	token, err := parseToken(answer, request.HashedMessage)
	if err == nil && (token.Nonce == nil || token.Nonce.Cmp(nonce) != 0) {
		err = errors.New("the answer is not to this request")
	}
	if err != nil {
		return nil, fmt.Errorf("time stamping authority %s: %w", url, err)
	}
	return answer, nil
}

// ask sends a query as RFC 3161, section 3.4 says.
func ask(ctx context.Context, client *http.Client, url string, query []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, authorityWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/timestamp-query")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %s", response.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("answer of more than %d bytes", maxAnswer)
	}
	return answer, err
}

// parseToken reads an answer and checks that it is signed and about the hash.
func parseToken(answer, hash []byte) (*timestamp.Timestamp, error) {
	token, err := timestamp.ParseResponse(answer)
	switch {
	case err != nil:
		return nil, err
	case token.HashAlgorithm != crypto.SHA512 || !bytes.Equal(token.HashedMessage, hash):
		return nil, ErrOther
	}
	return token, nil
}

// CheckTimestamp checks an authority's answer against a file's content. The signature of a token without certificate
// cannot be checked, which is an error. With roots, the authority's certificate must lead to one of them.
func CheckTimestamp(answer []byte, content io.Reader, roots *x509.CertPool) (*Timestamp, error) {
	sum := sha512.New()
	if _, err := io.Copy(sum, content); err != nil {
		return nil, err
	}
	token, err := parseToken(answer, sum.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	signer := stamping(token.Certificates)
	if signer == nil {
		return nil, errors.New("time stamp: it holds no certificate of an authority, so its signature cannot be checked")
	}
	if err := namesCertificate(token.RawToken, signer); err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	if roots != nil {
		if err := trusted(signer, token.Certificates, roots, token.Time, x509.ExtKeyUsageTimeStamping); err != nil {
			return nil, fmt.Errorf("time stamp: %w", err)
		}
	}
	return &Timestamp{token.Time.UTC(), signer.Subject.String(), token.SerialNumber.String()}, nil
}

// stamping is the certificate that may sign time stamps, nil if there is none.
func stamping(certificates []*x509.Certificate) *x509.Certificate {
	for _, c := range certificates {
		for _, usage := range c.ExtKeyUsage {
			if usage == x509.ExtKeyUsageTimeStamping {
				return c
			}
		}
	}
	return nil
}

// trusted checks that a certificate led to one of the roots at a time.
func trusted(c *x509.Certificate, others []*x509.Certificate, roots *x509.CertPool, at time.Time, usage x509.ExtKeyUsage) error {
	between := x509.NewCertPool()
	for _, o := range others {
		between.AddCert(o)
	}
	_, err := c.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}
