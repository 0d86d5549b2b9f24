// The typed operations of the console, made from the service's schema: `npm run generate` after changing either.
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../../graphql/schema/*.graphql',
  documents: 'src/api/*.graphql',
  generates: {
    'src/api/operations.ts': {
      plugins: ['typescript-operations', 'typed-document-node'],
      config: {
        documentMode: 'string', // the program carries no parser
        onlyOperationTypes: true,
        enumsAsTypes: true,
        skipTypename: true,
        useTypeImports: true,
        dedupeFragments: true,
        scalars: {
          ID: 'string',
          Time: 'string', Cursor: 'string', Long: 'number', Upload: 'never',
          SSOAuthorizationMap: 'Record<string, string>', EventData: 'Record<string, unknown>',
          ActionMap: 'Record<string, string>', ReportRow: 'unknown[]',
        },
      },
    },
  },
};
export default config;
