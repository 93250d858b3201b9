package timeline

import "github.com/klauspost/compress/zstd"

// codec compresses what the values of blocks and counters hold. It may be used by several goroutines.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newCodec() (*codec, error) {
	// The values have a checksum around them. Their windows are no longer than they are.
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(64<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderLowmem(true))
	return &codec{encoder, decoder}, err
}

func (c *codec) compress(dst, data []byte) []byte { return c.encoder.EncodeAll(data, dst) }

func (c *codec) decompress(data []byte) ([]byte, error) { return c.decoder.DecodeAll(data, nil) }

func (c *codec) close() { c.decoder.Close() }
