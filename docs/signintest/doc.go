// Package signintest proves signing in and single sign-on against a real OpenID
// provider that runs in the test, with the service as the process that it is. It
// is a module of its own, so that the provider is no dependency of the product.
package signintest
