package envelope

import (
	"archive/zip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"

	"github.com/klauspost/compress/flate"
)

// What AE-2 fixes, for AES-256.
const (
	methodAES     = 99
	extraID       = 0x9901
	saltBytes     = 16
	keyBytes      = 32
	verifierBytes = 2
	macBytes      = 10
	rounds        = 1000
	needsVersion  = 51
	flagEncrypted = 1 << 0
	flagStreamed  = 1 << 3 // sizes follow the data
	flagUTF8      = 1 << 11
	compression   = 6
)

// ZIP writes the files of a folder, below the folder's name, under a passphrase.
func ZIP(out io.Writer, folder fs.FS, name, passphrase string) error {
	w := zip.NewWriter(out)
	deflater, err := flate.NewWriter(nil, compression)
	if err != nil {
		return err
	}
	err = each(folder, func(path string, size int64, content io.Reader) error {
		return addFile(w, deflater, name+"/"+path, passphrase, content)
	})
	return errors.Join(err, w.Close())
}

// addFile adds one encrypted file. Its sizes are set before the writer asks for them, which is when the next file begins.
func addFile(w *zip.Writer, deflater *flate.Writer, path, passphrase string, content io.Reader) error {
	header := &zip.FileHeader{
		Name: path, Method: methodAES, Extra: extra(), ReaderVersion: needsVersion,
		Flags: flagEncrypted | flagStreamed | flagUTF8,
	}
	//lint:ignore SA1019 CreateRaw does not look at Modified
	header.SetModTime(longAgo)
	raw, err := w.CreateRaw(header)
	if err != nil {
		return err
	}
	sealed, err := newSealer(raw, passphrase)
	if err != nil {
		return err
	}
	deflater.Reset(sealed)
	plain, err := io.Copy(deflater, content)
	if err := errors.Join(err, deflater.Close(), sealed.Close()); err != nil {
		return err
	}
	setSizes(header, uint64(plain), uint64(sealed.written))
	return nil
}

// setSizes sets what CreateRaw would have set, had the sizes been known.
func setSizes(h *zip.FileHeader, plain, sealed uint64) {
	h.UncompressedSize64, h.CompressedSize64 = plain, sealed
	//lint:ignore SA1019 the fields are what is written where they suffice
	h.UncompressedSize, h.CompressedSize = uint32(min(plain, math.MaxUint32)), uint32(min(sealed, math.MaxUint32))
}

// extra is the field that tells of AES: AE-2, AES-256, deflated.
func extra() []byte {
	b := binary.LittleEndian.AppendUint16(nil, extraID)
	b = binary.LittleEndian.AppendUint16(b, 7)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = append(b, 'A', 'E', 3)
	return binary.LittleEndian.AppendUint16(b, zip.Deflate)
}

// sealer encrypts a file's data.
type sealer struct {
	out     io.Writer
	block   cipher.Block
	mac     hash.Hash
	counter uint64
	stream  [aes.BlockSize]byte // the key stream of the current block
	used    int                 // bytes of it
	buf     []byte
	written int64
}

func newSealer(out io.Writer, passphrase string) (*sealer, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	keys, err := pbkdf2.Key(sha1.New, passphrase, salt, rounds, 2*keyBytes+verifierBytes)
	if err != nil {
		return nil, fmt.Errorf("key of the passphrase: %w", err)
	}
	block, err := aes.NewCipher(keys[:keyBytes])
	if err != nil {
		return nil, err
	}
	s := &sealer{out: out, block: block, mac: hmac.New(sha1.New, keys[keyBytes:2*keyBytes]), used: aes.BlockSize}
	return s, s.put(append(salt, keys[2*keyBytes:]...))
}

func (s *sealer) put(p []byte) error {
	n, err := s.out.Write(p)
	s.written += int64(n)
	return err
}

// Write encrypts and authenticates.
func (s *sealer) Write(p []byte) (int, error) {
	s.buf = append(s.buf[:0], p...)
	for i := range s.buf {
		if s.used == aes.BlockSize {
			s.nextBlock()
		}
		s.buf[i] ^= s.stream[s.used]
		s.used++
	}
	s.mac.Write(s.buf)
	return len(p), s.put(s.buf)
}

// nextBlock makes more key stream. The counter is little endian, which cipher.NewCTR does not do.
func (s *sealer) nextBlock() {
	s.counter++
	var count [aes.BlockSize]byte
	binary.LittleEndian.PutUint64(count[:], s.counter)
	s.block.Encrypt(s.stream[:], count[:])
	s.used = 0
}

// Close ends the data with their authentication code.
func (s *sealer) Close() error { return s.put(s.mac.Sum(nil)[:macBytes]) }
