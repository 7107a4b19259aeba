// What sigstore-go says of a bundle, for the verifiers lane. Each line of standard input is a JSON question; each line of the
// answer is the reason why the bundle is refused, or an empty string.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

type question struct {
	// Both as text: what is no JSON any more is asked about, too.
	Bundle, Root string
	// SHA-256 of the artifact, in hex.
	Digest string
	// PEM. Empty: a certificate with this subject and issuer signed.
	Key, Subject, Issuer string
}

func main() {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	defer out.Flush()
	for {
		var asked question
		if err := in.Decode(&asked); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(answer(asked)); err != nil {
			log.Fatal(err)
		}
	}
}

func answer(asked question) (refusal string) {
	defer func() {
		if panicked := recover(); panicked != nil {
			refusal = fmt.Sprint("panic: ", panicked)
		}
	}()
	if err := verifyBundle(asked); err != nil {
		return err.Error()
	}
	return ""
}

// As the kernel does: an entry of a log; of a certificate an SCT, too, and a time that somebody vouches for.
func verifyBundle(asked question) error {
	var trusted root.TrustedMaterial
	trusted, err := trustedRoot(asked.Root)
	if err != nil {
		return fmt.Errorf("trusted root: %w", err)
	}
	config := []verify.VerifierOption{verify.WithTransparencyLog(1)}
	var signer verify.PolicyOption
	if asked.Key == "" {
		identity, err := verify.NewShortCertificateIdentity(asked.Issuer, "", asked.Subject, "")
		if err != nil {
			return err
		}
		signer = verify.WithCertificateIdentity(identity)
		config = append(config, verify.WithSignedCertificateTimestamps(1), verify.WithObserverTimestamps(1))
	} else {
		if trusted, err = withKey(trusted, asked.Key); err != nil {
			return err
		}
		signer = verify.WithKey()
		config = append(config, verify.WithNoObserverTimestamps())
	}
	var signed bundle.Bundle
	if err := signed.UnmarshalJSON([]byte(asked.Bundle)); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	digest, err := hex.DecodeString(asked.Digest)
	if err != nil {
		return err
	}
	verifier, err := verify.NewVerifier(trusted, config...)
	if err != nil {
		return err
	}
	_, err = verifier.Verify(&signed, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), signer))
	return err
}

var roots = map[string]*root.TrustedRoot{}

func trustedRoot(text string) (*root.TrustedRoot, error) {
	if known := roots[text]; known != nil {
		return known, nil
	}
	parsed, err := root.NewTrustedRootFromJSON([]byte(text))
	if err == nil {
		roots[text] = parsed
	}
	return parsed, err
}

// A key signs whenever it likes, by the hash that belongs to it.
func withKey(trusted root.TrustedMaterial, text string) (root.TrustedMaterial, error) {
	key, err := cryptoutils.UnmarshalPEMToPublicKey([]byte(text))
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadDefaultVerifier(key)
	if err != nil {
		return nil, err
	}
	expiring := root.NewExpiringKey(verifier, time.Time{}, time.Time{})
	keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return expiring, nil })
	return root.TrustedMaterialCollection{keys, trusted}, nil
}
