// A Vault server on loopback with nothing but the transit secrets engine at hand: everything in memory, unsealed.
// Prints its root token, then serves until it is killed: vault-transit 127.0.0.1:8201
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	must(err)
	core, token := unsealedCore("http://" + os.Args[1])
	fmt.Println(token)
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Type: "tcp", Address: os.Args[1]},
	})
	must(http.Serve(listener, handler))
}

func unsealedCore(address string) (*vault.Core, string) {
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	storage, err := inmem.NewInmem(nil, logger)
	must(err)
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:        storage,
		Logger:          logger,
		LogicalBackends: map[string]logical.Factory{"transit": transit.Factory},
		BuiltinRegistry: transitOnly{},
		RedirectAddr:    address,
		DisableMlock:    true,
	})
	must(err)
	one := vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	keys, err := core.Initialize(context.Background(), &vault.InitParams{BarrierConfig: &one, RecoveryConfig: &one})
	must(err)
	_, err = core.Unseal(keys.SecretShares[0])
	must(err)
	return core, keys.RootToken
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
