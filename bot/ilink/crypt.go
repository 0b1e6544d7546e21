package ilink

import (
	"bytes"
	"crypto/aes"
	"encoding/base64"
	"encoding/hex"
)

// readKey reads base64 of 16 bytes, or of their 32 hexadecimal digits.
func readKey(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(b) == 2*aes.BlockSize {
		b, err = hex.DecodeString(string(b))
	}
	if err != nil || len(b) != aes.BlockSize {
		return nil
	}
	return b
}

// decrypt undoes AES-128-ECB with PKCS#7 padding, in place. It reports false for a
// wrong key.
func decrypt(b, key []byte) ([]byte, bool) {
	block, err := aes.NewCipher(key)
	if err != nil || len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return nil, false
	}
	for i := 0; i < len(b); i += aes.BlockSize {
		block.Decrypt(b[i:], b[i:])
	}
	n := int(b[len(b)-1])
	if n == 0 || n > aes.BlockSize || !bytes.Equal(b[len(b)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, false
	}
	return b[:len(b)-n], true
}

// encrypt does AES-128-ECB with PKCS#7 padding.
func encrypt(plain, key []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	b := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	for i := 0; i < len(b); i += aes.BlockSize {
		block.Encrypt(b[i:], b[i:])
	}
	return b, nil
}
