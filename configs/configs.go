// Package configs holds the example configuration, which documents every key with its default. `archiver init` writes
// it with the user's values filled in, so that what it writes is what is documented. The package reads no
// configuration; that is package main's.
package configs

import _ "embed"

// Example is archiver.example.yaml.
//
//go:embed archiver.example.yaml
var Example string
