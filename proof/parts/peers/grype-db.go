// Builds grype's database, of its schema 6, from a provider's workspace, with grype's own builder, and packs it for
// `grype db import`: `grype-db WORKSPACE FOLDER`.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/anchore/grype/grype/db"
	"github.com/anchore/grype/grype/db/provider"
	v6 "github.com/anchore/grype/grype/db/v6"
)

func run(workspace, folder string) error {
	state, err := provider.ReadState(filepath.Join(workspace, "metadata.json"))
	if err != nil {
		return err
	}
	if err := state.Verify(workspace); err != nil {
		return err
	}
	config := db.BuildConfig{
		SchemaVersion: v6.ModelVersion,
		Directory:     folder,
		States:        provider.States{*state},
		Timestamp:     state.Timestamp,
		Hydrate:       true,
	}
	if err := db.Build(config); err != nil {
		return err
	}
	return db.Package(folder, "", "tar.gz", nil)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: grype-db WORKSPACE FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "cannot build grype's database:", err)
		os.Exit(1)
	}
}
