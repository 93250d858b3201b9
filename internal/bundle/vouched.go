package bundle

import (
	"bytes"

	"archiver/internal/export"
	"archiver/internal/seal"
)

// vouched checks what others say of a signed file: an authority's time stamp and an X.509 signature, where they are there.
func (v *verifier) vouched(name string) {
	stamp, sealed := name+export.TimestampEnding, name+export.SealEnding
	if !v.has(stamp) && !v.has(sealed) {
		return
	}
	signed, there := v.read(name)
	if !there {
		return
	}
	if v.o.Roots == nil {
		v.warn("nothing shows that the certificates of the time stamp or the X.509 signature are to be trusted: --ca names the authorities")
	}
	if v.has(stamp) {
		v.timestamp(stamp, signed)
	}
	if v.has(sealed) {
		v.sealed(sealed, signed)
	}
}

func (v *verifier) timestamp(name string, signed []byte) {
	answer, ok := v.read(name)
	if !ok {
		return
	}
	stamp, err := seal.CheckTimestamp(answer, bytes.NewReader(signed), v.o.Roots)
	if err != nil {
		v.find(name, "%v", err)
		return
	}
	v.report.Timestamp = stamp
	v.report.Checked["time stamps"]++
}

func (v *verifier) sealed(name string, signed []byte) {
	signature, ok := v.read(name)
	if !ok {
		return
	}
	subject, err := seal.CheckSignature(signature, signed, v.o.Roots)
	if err != nil {
		v.find(name, "%v", err)
		return
	}
	v.report.SealedBy = subject
	v.report.Checked["X.509 signatures"]++
}
