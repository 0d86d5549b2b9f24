/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** One step of the order of organization tokens. */
export type ApiTokenOrder = {
  /** Which way. */
  direction?: OrderDirection;
  /** By what. */
  field: ApiTokenOrderField;
};

/** What organization tokens can be ordered by. */
export type ApiTokenOrderField =
  /** The time of creation. */
  | 'created_at'
  /** The deadline; tokens without one come last from the smallest to the largest. */
  | 'expires_at'
  /** Whether it works: those that do not come first from the smallest to the largest. */
  | 'is_active'
  /** The last use; tokens never used come first from the smallest to the largest. */
  | 'last_used_at'
  /** The name. */
  | 'name'
  /** The time of the last change. */
  | 'updated_at';

/** Which organization tokens a list shows. What stands side by side must all hold. */
export type ApiTokenWhereInput = {
  /** All of these must hold. */
  and?: Array<ApiTokenWhereInput> | null | undefined;
  /** The time of creation is exactly then. */
  createdAt?: string | null | undefined;
  /** The time of creation is later. */
  createdAtGT?: string | null | undefined;
  /** The time of creation is then or later. */
  createdAtGTE?: string | null | undefined;
  /** The time of creation is one of these instants. */
  createdAtIn?: Array<string> | null | undefined;
  /** True: there is none. The time of creation is absent. */
  createdAtIsNil?: boolean | null | undefined;
  /** The time of creation is earlier. */
  createdAtLT?: string | null | undefined;
  /** The time of creation is then or earlier. */
  createdAtLTE?: string | null | undefined;
  /** The time of creation is at another instant. */
  createdAtNEQ?: string | null | undefined;
  /** The time of creation is none of these instants. */
  createdAtNotIn?: Array<string> | null | undefined;
  /** True: there is one. The time of creation is present. */
  createdAtNotNil?: boolean | null | undefined;
  /** Who created it is this text. */
  createdBy?: string | null | undefined;
  /** Who created it has this text in it. */
  createdByContains?: string | null | undefined;
  /** Who created it has this text in it, capitals or not. */
  createdByContainsFold?: string | null | undefined;
  /** Who created it is this text, capitals or not. */
  createdByEqualFold?: string | null | undefined;
  /** Who created it stands after this text, byte by byte. */
  createdByGT?: string | null | undefined;
  /** Who created it is this text or stands after it. */
  createdByGTE?: string | null | undefined;
  /** Who created it begins with this text. */
  createdByHasPrefix?: string | null | undefined;
  /** Who created it ends with this text. */
  createdByHasSuffix?: string | null | undefined;
  /** Who created it is one of these texts. */
  createdByIn?: Array<string> | null | undefined;
  /** True: there is none. Who created it is absent. */
  createdByIsNil?: boolean | null | undefined;
  /** Who created it stands before this text, byte by byte. */
  createdByLT?: string | null | undefined;
  /** Who created it is this text or stands before it. */
  createdByLTE?: string | null | undefined;
  /** Who created it is another text. */
  createdByNEQ?: string | null | undefined;
  /** Who created it is none of these texts. */
  createdByNotIn?: Array<string> | null | undefined;
  /** True: there is one. Who created it is present. */
  createdByNotNil?: boolean | null | undefined;
  /** The deadline is exactly then. */
  expiresAt?: string | null | undefined;
  /** The deadline is later. */
  expiresAtGT?: string | null | undefined;
  /** The deadline is then or later. */
  expiresAtGTE?: string | null | undefined;
  /** The deadline is one of these instants. */
  expiresAtIn?: Array<string> | null | undefined;
  /** True: there is none. The deadline is absent. */
  expiresAtIsNil?: boolean | null | undefined;
  /** The deadline is earlier. */
  expiresAtLT?: string | null | undefined;
  /** The deadline is then or earlier. */
  expiresAtLTE?: string | null | undefined;
  /** The deadline is at another instant. */
  expiresAtNEQ?: string | null | undefined;
  /** The deadline is none of these instants. */
  expiresAtNotIn?: Array<string> | null | undefined;
  /** True: there is one. The deadline is present. */
  expiresAtNotNil?: boolean | null | undefined;
  /** True: it has an owner; false: it has none. */
  hasOwner?: boolean | null | undefined;
  /** The owner is one for whom all of these hold. */
  hasOwnerWith?: Array<OrganizationWhereInput> | null | undefined;
  /** The id is this one. */
  id?: string | null | undefined;
  /** The id is one of these. */
  idIn?: Array<string> | null | undefined;
  /** The id is another one. */
  idNEQ?: string | null | undefined;
  /** The id is none of these. */
  idNotIn?: Array<string> | null | undefined;
  /** True: it works at this moment; false: it does not. */
  isActive?: boolean | null | undefined;
  /** True: it is unknown whether it works, which never is. */
  isActiveIsNil?: boolean | null | undefined;
  /** The reverse of `isActive`. */
  isActiveNEQ?: boolean | null | undefined;
  /** True: it is known whether it works, which always is. */
  isActiveNotNil?: boolean | null | undefined;
  /** The last use is exactly then. */
  lastUsedAt?: string | null | undefined;
  /** The last use is later. */
  lastUsedAtGT?: string | null | undefined;
  /** The last use is then or later. */
  lastUsedAtGTE?: string | null | undefined;
  /** The last use is one of these instants. */
  lastUsedAtIn?: Array<string> | null | undefined;
  /** True: there is none. The last use is absent. */
  lastUsedAtIsNil?: boolean | null | undefined;
  /** The last use is earlier. */
  lastUsedAtLT?: string | null | undefined;
  /** The last use is then or earlier. */
  lastUsedAtLTE?: string | null | undefined;
  /** The last use is at another instant. */
  lastUsedAtNEQ?: string | null | undefined;
  /** The last use is none of these instants. */
  lastUsedAtNotIn?: Array<string> | null | undefined;
  /** True: there is one. The last use is present. */
  lastUsedAtNotNil?: boolean | null | undefined;
  /** The name is this text. */
  name?: string | null | undefined;
  /** The name has this text in it. */
  nameContains?: string | null | undefined;
  /** The name has this text in it, capitals or not. */
  nameContainsFold?: string | null | undefined;
  /** The name is this text, capitals or not. */
  nameEqualFold?: string | null | undefined;
  /** The name stands after this text, byte by byte. */
  nameGT?: string | null | undefined;
  /** The name is this text or stands after it. */
  nameGTE?: string | null | undefined;
  /** The name begins with this text. */
  nameHasPrefix?: string | null | undefined;
  /** The name ends with this text. */
  nameHasSuffix?: string | null | undefined;
  /** The name is one of these texts. */
  nameIn?: Array<string> | null | undefined;
  /** The name stands before this text, byte by byte. */
  nameLT?: string | null | undefined;
  /** The name is this text or stands before it. */
  nameLTE?: string | null | undefined;
  /** The name is another text. */
  nameNEQ?: string | null | undefined;
  /** The name is none of these texts. */
  nameNotIn?: Array<string> | null | undefined;
  /** This must not hold. */
  not?: ApiTokenWhereInput | null | undefined;
  /** At least one of these must hold. */
  or?: Array<ApiTokenWhereInput> | null | undefined;
  /** The owner is this one. */
  ownerID?: string | null | undefined;
  /** The owner is one of these. */
  ownerIDIn?: Array<string> | null | undefined;
  /** True: there is none. The owner is absent. */
  ownerIDIsNil?: boolean | null | undefined;
  /** The owner is another one. */
  ownerIDNEQ?: string | null | undefined;
  /** The owner is none of these. */
  ownerIDNotIn?: Array<string> | null | undefined;
  /** True: there is one. The owner is present. */
  ownerIDNotNil?: boolean | null | undefined;
  /** The time of the revocation is exactly then. */
  revokedAt?: string | null | undefined;
  /** The time of the revocation is later. */
  revokedAtGT?: string | null | undefined;
  /** The time of the revocation is then or later. */
  revokedAtGTE?: string | null | undefined;
  /** The time of the revocation is one of these instants. */
  revokedAtIn?: Array<string> | null | undefined;
  /** True: there is none. The time of the revocation is absent. */
  revokedAtIsNil?: boolean | null | undefined;
  /** The time of the revocation is earlier. */
  revokedAtLT?: string | null | undefined;
  /** The time of the revocation is then or earlier. */
  revokedAtLTE?: string | null | undefined;
  /** The time of the revocation is at another instant. */
  revokedAtNEQ?: string | null | undefined;
  /** The time of the revocation is none of these instants. */
  revokedAtNotIn?: Array<string> | null | undefined;
  /** True: there is one. The time of the revocation is present. */
  revokedAtNotNil?: boolean | null | undefined;
  /** Who revoked it is this text. */
  revokedBy?: string | null | undefined;
  /** Who revoked it has this text in it. */
  revokedByContains?: string | null | undefined;
  /** Who revoked it has this text in it, capitals or not. */
  revokedByContainsFold?: string | null | undefined;
  /** Who revoked it is this text, capitals or not. */
  revokedByEqualFold?: string | null | undefined;
  /** Who revoked it stands after this text, byte by byte. */
  revokedByGT?: string | null | undefined;
  /** Who revoked it is this text or stands after it. */
  revokedByGTE?: string | null | undefined;
  /** Who revoked it begins with this text. */
  revokedByHasPrefix?: string | null | undefined;
  /** Who revoked it ends with this text. */
  revokedByHasSuffix?: string | null | undefined;
  /** Who revoked it is one of these texts. */
  revokedByIn?: Array<string> | null | undefined;
  /** True: there is none. Who revoked it is absent. */
  revokedByIsNil?: boolean | null | undefined;
  /** Who revoked it stands before this text, byte by byte. */
  revokedByLT?: string | null | undefined;
  /** Who revoked it is this text or stands before it. */
  revokedByLTE?: string | null | undefined;
  /** Who revoked it is another text. */
  revokedByNEQ?: string | null | undefined;
  /** Who revoked it is none of these texts. */
  revokedByNotIn?: Array<string> | null | undefined;
  /** True: there is one. Who revoked it is present. */
  revokedByNotNil?: boolean | null | undefined;
  /** The reason of the revocation is this text. */
  revokedReason?: string | null | undefined;
  /** The reason of the revocation has this text in it. */
  revokedReasonContains?: string | null | undefined;
  /** The reason of the revocation has this text in it, capitals or not. */
  revokedReasonContainsFold?: string | null | undefined;
  /** The reason of the revocation is this text, capitals or not. */
  revokedReasonEqualFold?: string | null | undefined;
  /** The reason of the revocation stands after this text, byte by byte. */
  revokedReasonGT?: string | null | undefined;
  /** The reason of the revocation is this text or stands after it. */
  revokedReasonGTE?: string | null | undefined;
  /** The reason of the revocation begins with this text. */
  revokedReasonHasPrefix?: string | null | undefined;
  /** The reason of the revocation ends with this text. */
  revokedReasonHasSuffix?: string | null | undefined;
  /** The reason of the revocation is one of these texts. */
  revokedReasonIn?: Array<string> | null | undefined;
  /** True: there is none. The reason of the revocation is absent. */
  revokedReasonIsNil?: boolean | null | undefined;
  /** The reason of the revocation stands before this text, byte by byte. */
  revokedReasonLT?: string | null | undefined;
  /** The reason of the revocation is this text or stands before it. */
  revokedReasonLTE?: string | null | undefined;
  /** The reason of the revocation is another text. */
  revokedReasonNEQ?: string | null | undefined;
  /** The reason of the revocation is none of these texts. */
  revokedReasonNotIn?: Array<string> | null | undefined;
  /** True: there is one. The reason of the revocation is present. */
  revokedReasonNotNil?: boolean | null | undefined;
  /** One of the scopes is this text. */
  scopesHas?: string | null | undefined;
  /** The state at this moment is this one. */
  status?: TokenStatus | null | undefined;
  /** The state at this moment is one of these. */
  statusIn?: Array<TokenStatus> | null | undefined;
  /** One of the tags is this text. */
  tagsHas?: string | null | undefined;
  /** The time of the last change is exactly then. */
  updatedAt?: string | null | undefined;
  /** The time of the last change is later. */
  updatedAtGT?: string | null | undefined;
  /** The time of the last change is then or later. */
  updatedAtGTE?: string | null | undefined;
  /** The time of the last change is one of these instants. */
  updatedAtIn?: Array<string> | null | undefined;
  /** True: there is none. The time of the last change is absent. */
  updatedAtIsNil?: boolean | null | undefined;
  /** The time of the last change is earlier. */
  updatedAtLT?: string | null | undefined;
  /** The time of the last change is then or earlier. */
  updatedAtLTE?: string | null | undefined;
  /** The time of the last change is at another instant. */
  updatedAtNEQ?: string | null | undefined;
  /** The time of the last change is none of these instants. */
  updatedAtNotIn?: Array<string> | null | undefined;
  /** True: there is one. The time of the last change is present. */
  updatedAtNotNil?: boolean | null | undefined;
  /** Who changed it last is this text. */
  updatedBy?: string | null | undefined;
  /** Who changed it last has this text in it. */
  updatedByContains?: string | null | undefined;
  /** Who changed it last has this text in it, capitals or not. */
  updatedByContainsFold?: string | null | undefined;
  /** Who changed it last is this text, capitals or not. */
  updatedByEqualFold?: string | null | undefined;
  /** Who changed it last stands after this text, byte by byte. */
  updatedByGT?: string | null | undefined;
  /** Who changed it last is this text or stands after it. */
  updatedByGTE?: string | null | undefined;
  /** Who changed it last begins with this text. */
  updatedByHasPrefix?: string | null | undefined;
  /** Who changed it last ends with this text. */
  updatedByHasSuffix?: string | null | undefined;
  /** Who changed it last is one of these texts. */
  updatedByIn?: Array<string> | null | undefined;
  /** True: there is none. Who changed it last is absent. */
  updatedByIsNil?: boolean | null | undefined;
  /** Who changed it last stands before this text, byte by byte. */
  updatedByLT?: string | null | undefined;
  /** Who changed it last is this text or stands before it. */
  updatedByLTE?: string | null | undefined;
  /** Who changed it last is another text. */
  updatedByNEQ?: string | null | undefined;
  /** Who changed it last is none of these texts. */
  updatedByNotIn?: Array<string> | null | undefined;
  /** True: there is one. Who changed it last is present. */
  updatedByNotNil?: boolean | null | undefined;
};

/** What kind of actor stands behind an event. */
export type ActorKind =
  /** An organization's token. */
  | 'ORGANIZATION_TOKEN'
  /** A signed-in person. */
  | 'PERSON'
  /** A personal token, in the hands of its owner's programs. */
  | 'PERSONAL_TOKEN'
  /** The service itself. */
  | 'SYSTEM';

/** A moment in the history of the log. Exactly one of the two is to be given. */
export type AsOf = {
  /** A position of the log; the event there belongs to it. */
  position?: number | null | undefined;
  /** An instant; what was recorded then belongs to it. */
  time?: string | null | undefined;
};

/** What a member is in an organization. */
export type MembershipRole =
  /** Manages everything of the organization. */
  | 'ADMIN'
  /** Reads everything of the organization, personal values too, and changes nothing. */
  | 'AUDITOR'
  /** Manages personal tokens of his own, and sees the organization tokens that he created. */
  | 'MEMBER'
  /** Manages everything of the organization, and the other owners. */
  | 'OWNER';

/** The direction of an order. */
export type OrderDirection =
  /** From the smallest to the largest. */
  | 'ASC'
  /** From the largest to the smallest. */
  | 'DESC';

/** Which organizations count as an owner. What stands side by side must all hold. */
export type OrganizationWhereInput = {
  /** All of these must hold. */
  and?: Array<OrganizationWhereInput> | null | undefined;
  /** The display name is this text. */
  displayName?: string | null | undefined;
  /** The display name has this text in it. */
  displayNameContains?: string | null | undefined;
  /** The display name has this text in it, capitals or not. */
  displayNameContainsFold?: string | null | undefined;
  /** The display name is this text, capitals or not. */
  displayNameEqualFold?: string | null | undefined;
  /** The display name stands after this text, byte by byte. */
  displayNameGT?: string | null | undefined;
  /** The display name is this text or stands after it. */
  displayNameGTE?: string | null | undefined;
  /** The display name begins with this text. */
  displayNameHasPrefix?: string | null | undefined;
  /** The display name ends with this text. */
  displayNameHasSuffix?: string | null | undefined;
  /** The display name is one of these texts. */
  displayNameIn?: Array<string> | null | undefined;
  /** The display name stands before this text, byte by byte. */
  displayNameLT?: string | null | undefined;
  /** The display name is this text or stands before it. */
  displayNameLTE?: string | null | undefined;
  /** The display name is another text. */
  displayNameNEQ?: string | null | undefined;
  /** The display name is none of these texts. */
  displayNameNotIn?: Array<string> | null | undefined;
  /** The id is this one. */
  id?: string | null | undefined;
  /** The id is one of these. */
  idIn?: Array<string> | null | undefined;
  /** The id is another one. */
  idNEQ?: string | null | undefined;
  /** The id is none of these. */
  idNotIn?: Array<string> | null | undefined;
  /** The name is this text. */
  name?: string | null | undefined;
  /** The name has this text in it. */
  nameContains?: string | null | undefined;
  /** The name has this text in it, capitals or not. */
  nameContainsFold?: string | null | undefined;
  /** The name is this text, capitals or not. */
  nameEqualFold?: string | null | undefined;
  /** The name stands after this text, byte by byte. */
  nameGT?: string | null | undefined;
  /** The name is this text or stands after it. */
  nameGTE?: string | null | undefined;
  /** The name begins with this text. */
  nameHasPrefix?: string | null | undefined;
  /** The name ends with this text. */
  nameHasSuffix?: string | null | undefined;
  /** The name is one of these texts. */
  nameIn?: Array<string> | null | undefined;
  /** The name stands before this text, byte by byte. */
  nameLT?: string | null | undefined;
  /** The name is this text or stands before it. */
  nameLTE?: string | null | undefined;
  /** The name is another text. */
  nameNEQ?: string | null | undefined;
  /** The name is none of these texts. */
  nameNotIn?: Array<string> | null | undefined;
  /** This must not hold. */
  not?: OrganizationWhereInput | null | undefined;
  /** At least one of these must hold. */
  or?: Array<OrganizationWhereInput> | null | undefined;
};

/** What a token is at the moment of the answer. */
export type TokenStatus =
  /** It works. */
  | 'ACTIVE'
  /** It has ended and was taken out of the lists. */
  | 'DELETED'
  /** Its deadline has passed. */
  | 'EXPIRED'
  /** It was ended for good. */
  | 'REVOKED'
  /** It works, and so does its successor, until the overlap of the rotation is over. */
  | 'ROTATING'
  /** Its uses are refused until it is resumed or the suspension ends. */
  | 'SUSPENDED';

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { me: { id: string, displayName: string, email: string | null } | null, organizations: { edges: Array<{ node: { id: string, name: string, displayName: string, viewerRole: MembershipRole | null } | null } | null> | null } };

export type OwnApiTokenQueryVariables = Exact<{
  id: string;
}>;


export type OwnApiTokenQuery = { apiToken: { id: string, name: string, scopes: Array<string> | null, expiresAt: string | null, owner: { id: string } | null } };

export type OwnPersonalTokenQueryVariables = Exact<{
  id: string;
}>;


export type OwnPersonalTokenQuery = { personalAccessToken: { id: string, name: string, scopes: Array<string> | null, expiresAt: string | null } };

export type TokensQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  orderBy?: Array<ApiTokenOrder> | ApiTokenOrder | null | undefined;
  where?: ApiTokenWhereInput | null | undefined;
  includeDeleted: boolean;
  asOf?: AsOf | null | undefined;
}>;


export type TokensQuery = { apiTokens: { edges: Array<{ node: { id: string, name: string, token: string, status: TokenStatus, scopes: Array<string> | null, tags: Array<string> | null, createdAt: string | null, createdBy: string | null, expiresAt: string | null, lastUsedAt: string | null, version: number } | null } | null> | null, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } };

export type TokenCountQueryVariables = Exact<{
  where?: ApiTokenWhereInput | null | undefined;
  includeDeleted: boolean;
  asOf?: AsOf | null | undefined;
}>;


export type TokenCountQuery = { apiTokens: { totalCount: number } };

export type TokenRowFragment = { id: string, name: string, token: string, status: TokenStatus, scopes: Array<string> | null, tags: Array<string> | null, createdAt: string | null, createdBy: string | null, expiresAt: string | null, lastUsedAt: string | null, version: number };

export type TokenQueryVariables = Exact<{
  id: string;
  asOf?: AsOf | null | undefined;
}>;


export type TokenQuery = { apiToken: { description: string | null, fingerprint: string, updatedAt: string | null, updatedBy: string | null, revokedReason: string | null, revokedBy: string | null, revokedAt: string | null, suspendedUntil: string | null, position: number, rotatedUntil: string | null, rotationDueAt: string | null, lastReviewedAt: string | null, ssoAuthorizations: Record<string, string> | null, id: string, name: string, token: string, status: TokenStatus, scopes: Array<string> | null, tags: Array<string> | null, createdAt: string | null, createdBy: string | null, expiresAt: string | null, lastUsedAt: string | null, version: number, rotatedFrom: { id: string, name: string, token: string, status: TokenStatus } | null, rotatedTo: { id: string, name: string, token: string, status: TokenStatus } | null, owner: { id: string, name: string, displayName: string } | null, usage: { uses: number, refusals: number, lastUsedAt: string | null, hours: Array<{ hour: string, uses: number, refusals: number }>, actions: Array<{ action: string, uses: number, refusals: number, lastUsedAt: string | null }>, reasons: Array<{ code: string, refusals: number, lastRefusedAt: string | null }>, sources: Array<{ position: number, address: string | null, agent: string | null, firstSeenAt: string, lastUsedAt: string | null, uses: number, refusals: number }> } } };

export type TokenDetailFragment = { description: string | null, fingerprint: string, updatedAt: string | null, updatedBy: string | null, revokedReason: string | null, revokedBy: string | null, revokedAt: string | null, suspendedUntil: string | null, position: number, rotatedUntil: string | null, rotationDueAt: string | null, lastReviewedAt: string | null, ssoAuthorizations: Record<string, string> | null, id: string, name: string, token: string, status: TokenStatus, scopes: Array<string> | null, tags: Array<string> | null, createdAt: string | null, createdBy: string | null, expiresAt: string | null, lastUsedAt: string | null, version: number, rotatedFrom: { id: string, name: string, token: string, status: TokenStatus } | null, rotatedTo: { id: string, name: string, token: string, status: TokenStatus } | null, owner: { id: string, name: string, displayName: string } | null, usage: { uses: number, refusals: number, lastUsedAt: string | null, hours: Array<{ hour: string, uses: number, refusals: number }>, actions: Array<{ action: string, uses: number, refusals: number, lastUsedAt: string | null }>, reasons: Array<{ code: string, refusals: number, lastRefusedAt: string | null }>, sources: Array<{ position: number, address: string | null, agent: string | null, firstSeenAt: string, lastUsedAt: string | null, uses: number, refusals: number }> } };

export type TokenEventsQueryVariables = Exact<{
  id: string;
  last: number;
  before?: string | null | undefined;
}>;


export type TokenEventsQuery = { apiToken: { events: { totalCount: number, edges: Array<{ node: { position: number, trail: string, trailPosition: number, type: string, stream: string, version: number, recordedAt: string, reason: string | null, correlation: string | null, data: Record<string, unknown>, personal: Record<string, unknown> | null, actor: { kind: ActorKind, id: string, userID: string | null } } | null } | null> | null, pageInfo: { hasPreviousPage: boolean, startCursor: string | null } } } };

export type EventRowFragment = { position: number, trail: string, trailPosition: number, type: string, stream: string, version: number, recordedAt: string, reason: string | null, correlation: string | null, data: Record<string, unknown>, personal: Record<string, unknown> | null, actor: { kind: ActorKind, id: string, userID: string | null } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const TokenRowFragmentDoc = new TypedDocumentString(`
    fragment TokenRow on APIToken {
  id
  name
  token
  status
  scopes
  tags
  createdAt
  createdBy
  expiresAt
  lastUsedAt
  version
}
    `, {"fragmentName":"TokenRow"}) as unknown as TypedDocumentString<TokenRowFragment, unknown>;
export const TokenDetailFragmentDoc = new TypedDocumentString(`
    fragment TokenDetail on APIToken {
  ...TokenRow
  description
  fingerprint
  updatedAt
  updatedBy
  revokedReason
  revokedBy
  revokedAt
  suspendedUntil
  position
  rotatedUntil
  rotationDueAt
  lastReviewedAt
  ssoAuthorizations
  rotatedFrom {
    id
    name
    token
    status
  }
  rotatedTo {
    id
    name
    token
    status
  }
  owner {
    id
    name
    displayName
  }
  usage {
    uses
    refusals
    lastUsedAt
    hours(first: 168) {
      hour
      uses
      refusals
    }
    actions(first: 50) {
      action
      uses
      refusals
      lastUsedAt
    }
    reasons {
      code
      refusals
      lastRefusedAt
    }
    sources(first: 50) {
      position
      address
      agent
      firstSeenAt
      lastUsedAt
      uses
      refusals
    }
  }
}
    fragment TokenRow on APIToken {
  id
  name
  token
  status
  scopes
  tags
  createdAt
  createdBy
  expiresAt
  lastUsedAt
  version
}`, {"fragmentName":"TokenDetail"}) as unknown as TypedDocumentString<TokenDetailFragment, unknown>;
export const EventRowFragmentDoc = new TypedDocumentString(`
    fragment EventRow on Event {
  position
  trail
  trailPosition
  type
  stream
  version
  recordedAt
  actor {
    kind
    id
    userID
  }
  reason
  correlation
  data
  personal
}
    `, {"fragmentName":"EventRow"}) as unknown as TypedDocumentString<EventRowFragment, unknown>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  me {
    id
    displayName
    email
  }
  organizations(first: 100) {
    edges {
      node {
        id
        name
        displayName
        viewerRole
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;
export const OwnApiTokenDocument = new TypedDocumentString(`
    query OwnAPIToken($id: ID!) {
  apiToken(id: $id) {
    id
    name
    scopes
    expiresAt
    owner {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<OwnApiTokenQuery, OwnApiTokenQueryVariables>;
export const OwnPersonalTokenDocument = new TypedDocumentString(`
    query OwnPersonalToken($id: ID!) {
  personalAccessToken(id: $id) {
    id
    name
    scopes
    expiresAt
  }
}
    `) as unknown as TypedDocumentString<OwnPersonalTokenQuery, OwnPersonalTokenQueryVariables>;
export const TokensDocument = new TypedDocumentString(`
    query Tokens($first: Int, $after: Cursor, $last: Int, $before: Cursor, $orderBy: [APITokenOrder!], $where: APITokenWhereInput, $includeDeleted: Boolean!, $asOf: AsOf) {
  apiTokens(
    first: $first
    after: $after
    last: $last
    before: $before
    orderBy: $orderBy
    where: $where
    includeDeleted: $includeDeleted
    asOf: $asOf
  ) {
    edges {
      node {
        ...TokenRow
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
  }
}
    fragment TokenRow on APIToken {
  id
  name
  token
  status
  scopes
  tags
  createdAt
  createdBy
  expiresAt
  lastUsedAt
  version
}`) as unknown as TypedDocumentString<TokensQuery, TokensQueryVariables>;
export const TokenCountDocument = new TypedDocumentString(`
    query TokenCount($where: APITokenWhereInput, $includeDeleted: Boolean!, $asOf: AsOf) {
  apiTokens(first: 1, where: $where, includeDeleted: $includeDeleted, asOf: $asOf) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<TokenCountQuery, TokenCountQueryVariables>;
export const TokenDocument = new TypedDocumentString(`
    query Token($id: ID!, $asOf: AsOf) {
  apiToken(id: $id, asOf: $asOf) {
    ...TokenDetail
  }
}
    fragment TokenRow on APIToken {
  id
  name
  token
  status
  scopes
  tags
  createdAt
  createdBy
  expiresAt
  lastUsedAt
  version
}
fragment TokenDetail on APIToken {
  ...TokenRow
  description
  fingerprint
  updatedAt
  updatedBy
  revokedReason
  revokedBy
  revokedAt
  suspendedUntil
  position
  rotatedUntil
  rotationDueAt
  lastReviewedAt
  ssoAuthorizations
  rotatedFrom {
    id
    name
    token
    status
  }
  rotatedTo {
    id
    name
    token
    status
  }
  owner {
    id
    name
    displayName
  }
  usage {
    uses
    refusals
    lastUsedAt
    hours(first: 168) {
      hour
      uses
      refusals
    }
    actions(first: 50) {
      action
      uses
      refusals
      lastUsedAt
    }
    reasons {
      code
      refusals
      lastRefusedAt
    }
    sources(first: 50) {
      position
      address
      agent
      firstSeenAt
      lastUsedAt
      uses
      refusals
    }
  }
}`) as unknown as TypedDocumentString<TokenQuery, TokenQueryVariables>;
export const TokenEventsDocument = new TypedDocumentString(`
    query TokenEvents($id: ID!, $last: Int!, $before: Cursor) {
  apiToken(id: $id) {
    events(last: $last, before: $before) {
      edges {
        node {
          ...EventRow
        }
      }
      pageInfo {
        hasPreviousPage
        startCursor
      }
      totalCount
    }
  }
}
    fragment EventRow on Event {
  position
  trail
  trailPosition
  type
  stream
  version
  recordedAt
  actor {
    kind
    id
    userID
  }
  reason
  correlation
  data
  personal
}`) as unknown as TypedDocumentString<TokenEventsQuery, TokenEventsQueryVariables>;