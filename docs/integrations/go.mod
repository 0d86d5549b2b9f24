module github.com/tokenledger/tokenledger/docs/integrations

go 1.26.0

require (
	github.com/BurntSushi/toml v1.6.0
	gopkg.in/yaml.v3 v3.0.1
)
