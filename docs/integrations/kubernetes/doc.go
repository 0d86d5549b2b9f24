// Package kubernetes tests webhook.kubeconfig.yaml with the API server's own authenticator.
package kubernetes
