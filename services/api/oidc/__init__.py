"""Signing in at an identity provider by OpenID Connect: authorization code with PKCE, then a session like any other."""
