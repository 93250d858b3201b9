package seal

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/digitorus/pkcs7"
)

// Attributes by which a token names the certificate that it was signed with (RFC 5035, RFC 2634), so that another with
// the same key cannot take its place.
var (
	oidSigningCertificate   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // SHA-1
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
)

// hashes that an attribute may name a certificate by.
var certificateHashes = map[string]crypto.Hash{
	"":                       crypto.SHA256, // the default
	"2.16.840.1.101.3.4.2.1": crypto.SHA256,
	"2.16.840.1.101.3.4.2.2": crypto.SHA384,
	"2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

// namesCertificate checks that a token's signed attributes name the certificate (RFC 3161, section 2.4.2).
func namesCertificate(token []byte, c *x509.Certificate) error {
	p, err := pkcs7.Parse(token)
	if err != nil {
		return err
	}
	hash, want, err := certificateID(p)
	if err != nil {
		return err
	}
	sum := hash.New()
	sum.Write(c.Raw)
	if !bytes.Equal(sum.Sum(nil), want) {
		return errors.New("it was signed with another certificate than the one in it")
	}
	return nil
}

// certificateID gives the hash by which the signer's certificate is named.
func certificateID(p *pkcs7.PKCS7) (crypto.Hash, []byte, error) {
	var v2 struct {
		Certs []struct {
			Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
			Hash      []byte
			Issuer    asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	if p.UnmarshalSignedAttribute(oidSigningCertificateV2, &v2) == nil && len(v2.Certs) > 0 {
		name := v2.Certs[0].Algorithm.Algorithm.String()
		hash, known := certificateHashes[name]
		if !known {
			return 0, nil, fmt.Errorf("it names its certificate by a hash that is not known: %s", name)
		}
		return hash, v2.Certs[0].Hash, nil
	}
	var v1 struct {
		Certs []struct {
			Hash   []byte
			Issuer asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	if p.UnmarshalSignedAttribute(oidSigningCertificate, &v1) == nil && len(v1.Certs) > 0 {
		return crypto.SHA1, v1.Certs[0].Hash, nil
	}
	return 0, nil, errors.New("it does not name the certificate that it was signed with")
}
