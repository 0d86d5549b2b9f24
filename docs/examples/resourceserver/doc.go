// Command resourceserver is a small compliance service whose callers are tokens
// of the ledger: it shows what stands behind a resource server's use of it.
//
// POST /query takes the mutations createEvidence, createScan, createRisk,
// createTask and updateTask and the queries controls and control. Each is
// verified with the ledger under its own name and the resource that it is about,
// so that the ledger's trail answers who did what to which evidence, control,
// risk, task or scan. The service keeps no token and no rule of its own.
package main
