package money

import _ "github.com/tokenledger/tokenledger/graphql"
