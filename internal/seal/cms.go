package seal

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/digitorus/pkcs7"
)

// Signer is an X.509 key with its certificate and those between it and a root.
type Signer struct {
	Certificate *x509.Certificate
	Chain       []*x509.Certificate
	Key         crypto.Signer
}

// LoadSigner reads PEM files: the certificate first and then those above it, and the key (PKCS #8, PKCS #1 or SEC 1,
// not encrypted).
func LoadSigner(certificateFile, keyFile string) (*Signer, error) {
	certificates, err := Certificates(certificateFile)
	if err != nil {
		return nil, err
	}
	key, err := loadKey(keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certificates[0].PublicKey) {
		return nil, fmt.Errorf("%s: is not the key of the certificate in %s", keyFile, certificateFile)
	}
	return &Signer{certificates[0], certificates[1:], key}, nil
}

// Certificates reads the certificates of a PEM file, of which there must be one at least.
func Certificates(file string) ([]*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		certificates = append(certificates, c)
	}
	if len(certificates) == 0 {
		return nil, fmt.Errorf("%s: no certificate in it (PEM)", file)
	}
	return certificates, nil
}

func loadKey(file string) (crypto.Signer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if key := parseKey(block.Bytes); key != nil {
			return key, nil
		}
	}
	return nil, errors.New("no private key in it that can be read (PEM, not encrypted)")
}

func parseKey(der []byte) crypto.Signer {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		signer, _ := key.(crypto.Signer)
		return signer
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// Sign makes a detached CMS signature of content (DER), with SHA-256 (SHA-512 for Ed25519 is not in the format's usual
// readers, so RSA and ECDSA keys only).
func Sign(content []byte, s *Signer) ([]byte, error) {
	signed, err := pkcs7.NewSignedData(content)
	if err != nil {
		return nil, fmt.Errorf("CMS signature: %w", err)
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := signed.AddSignerChain(s.Certificate, s.Key, s.Chain, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, fmt.Errorf("CMS signature: %w", err)
	}
	signed.Detach()
	return signed.Finish()
}

// CheckSignature checks a detached CMS signature of content and says whose it is. With roots, the certificate must lead
// to one of them now.
func CheckSignature(signature, content []byte, roots *x509.CertPool) (subject string, err error) {
	p, err := pkcs7.Parse(signature)
	if err != nil {
		return "", fmt.Errorf("CMS signature: %w", err)
	}
	p.Content = content
	if err := p.Verify(); err != nil {
		return "", fmt.Errorf("CMS signature: %w: %w", ErrOther, err)
	}
	signer := p.GetOnlySigner()
	if signer == nil {
		return "", errors.New("CMS signature: want one signer with its certificate")
	}
	if roots != nil {
		if err := trusted(signer, p.Certificates, roots, time.Now(), x509.ExtKeyUsageAny); err != nil {
			return "", fmt.Errorf("CMS signature: %w", err)
		}
	}
	return signer.Subject.String(), nil
}
