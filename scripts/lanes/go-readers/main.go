// What Go's own readers make of a text, for the readers lane: Kubernetes' of manifests, and the reference grammar of
// containerd and Docker of image names, and Kyverno's of YAML in its conditions. Each line of standard input is a JSON string; each line of the answer is JSON.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

var readers = map[string]func(text string) (any, error){
	"manifests": readManifests,
	"reference": readReference,
	"yaml":      readYAML,
}

func main() {
	if len(os.Args) != 2 || readers[os.Args[1]] == nil {
		log.Fatal("usage: go-readers manifests|reference|yaml")
	}
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	defer out.Flush()
	for {
		var text string
		if err := in.Decode(&text); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(answer(readers[os.Args[1]], text)); err != nil {
			log.Fatal(err)
		}
	}
}

func answer(read func(string) (any, error), text string) (answer map[string]any) {
	defer func() {
		if panicked := recover(); panicked != nil {
			answer = map[string]any{"error": fmt.Sprint("panic: ", panicked)}
		}
	}()
	value, err := read(text)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"value": value}
}

// As kubectl reads a file: k8s.io/cli-runtime, resource.StreamVisitor.
func readManifests(text string) (any, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096)
	objects := []any{}
	for {
		raw := runtime.RawExtension{}
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		raw.Raw = bytes.TrimSpace(raw.Raw)
		if len(raw.Raw) == 0 || bytes.Equal(raw.Raw, []byte("null")) {
			continue
		}
		object, _, err := unstructured.UnstructuredJSONScheme.Decode(raw.Raw, nil, nil)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}

// As Kyverno's parse_yaml: pkg/engine/jmespath, functions.go.
func readYAML(text string) (any, error) {
	var value any
	err := sigsyaml.Unmarshal([]byte(text), &value)
	return value, err
}

func readReference(text string) (any, error) {
	named, err := reference.ParseDockerRef(text)
	if err != nil {
		return nil, err
	}
	parts := map[string]string{"registry": reference.Domain(named), "repository": reference.Path(named)}
	if digested, ok := named.(reference.Digested); ok {
		parts["digest"] = digested.Digest().String()
	} else if tagged, ok := named.(reference.Tagged); ok {
		parts["tag"] = tagged.Tag()
	}
	return parts, nil
}
