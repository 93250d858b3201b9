// Package importtest holds the rules of the module's structure and a test of them: who may import whom, that every
// package says what it is, and that the README names every package and every direct dependency.
//
// The table is the architecture in short. A change of it is a decision, not a repair of a failing test.
package importtest
