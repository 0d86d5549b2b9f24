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

/** What a reviewer decides on a token. */
export type AccessReviewDecision =
  /** It stays. */
  | 'KEEP'
  /** It ends; a personal token loses its access to the organization. */
  | 'REVOKE';

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

/** The input for a webhook. */
export type AddWebhookInput = {
  /** The organization; by default the caller's. */
  organizationID?: string | null | undefined;
  /** The types of events to send, or kinds of streams such as `token`, or `finding` for findings; by default everything. */
  types?: Array<string> | null | undefined;
  /** An https:// URL that leads to a public address. */
  url: string;
};

/** A moment in the history of the log. Exactly one of the two is to be given. */
export type AsOf = {
  /** A position of the log; the event there belongs to it. */
  position?: number | null | undefined;
  /** An instant; what was recorded then belongs to it. */
  time?: string | null | undefined;
};

/** Which trail is meant. Every event stands in exactly one. */
export type AuditTrail =
  /** The operator's: what concerns the installation and no organization. */
  | 'OPERATOR'
  /** An organization's: its tokens, its members, and what personal tokens do there. */
  | 'ORGANIZATION'
  /** The caller's own: the life of his account and of his personal tokens. */
  | 'OWN';

/** What a new organization token is to be. */
export type CreateApiTokenInput = {
  /** What it is for. The description stands in clear in the audit trail. */
  description?: string | null | undefined;
  /** Its deadline, in the future; null: none. */
  expiresAt?: string | null | undefined;
  /** False: it is created suspended. */
  isActive?: boolean | null | undefined;
  /** The server's to say; giving one is an error. */
  lastUsedAt?: string | null | undefined;
  /** What to call it. The name stands in clear in the audit trail. */
  name: string;
  /** The organization that it is to belong to; by default the caller's. */
  ownerID?: string | null | undefined;
  /** A token cannot be created revoked; giving one is an error. */
  revokedAt?: string | null | undefined;
  /** A token cannot be created revoked; giving one is an error. */
  revokedBy?: string | null | undefined;
  /** A token cannot be created revoked; giving one is an error. */
  revokedReason?: string | null | undefined;
  /** What it may do: `<object>:<verb>`, or `read`, `write` or `admin`. An organization token needs at least one. */
  scopes?: Array<string> | null | undefined;
  /** Words to find it by. They stand in clear in the audit trail. */
  tags?: Array<string> | null | undefined;
};

/** What a new personal token is to be. */
export type CreatePersonalAccessTokenInput = {
  /** What it is for. The description stands in clear in the audit trail. */
  description?: string | null | undefined;
  /** Its deadline, in the future; null: none. */
  expiresAt?: string | null | undefined;
  /** False: it is created suspended. */
  isActive?: boolean | null | undefined;
  /** The server's to say; giving one is an error. */
  lastUsedAt?: string | null | undefined;
  /** What to call it. The name stands in clear in the audit trail. */
  name: string;
  /** The organizations that it is to be granted to. */
  organizationIDs?: Array<string> | null | undefined;
  /** The person that it is to belong to: only the caller is accepted. */
  ownerID?: string | null | undefined;
  /** A token cannot be created revoked; giving one is an error. */
  revokedAt?: string | null | undefined;
  /** A token cannot be created revoked; giving one is an error. */
  revokedBy?: string | null | undefined;
  /** A token cannot be created revoked; giving one is an error. */
  revokedReason?: string | null | undefined;
  /** What it may do at most; empty: all that its owner may. */
  scopes?: Array<string> | null | undefined;
  /** Words to find it by. They stand in clear in the audit trail. */
  tags?: Array<string> | null | undefined;
};

/** Who a new user is, and what in the organization. */
export type CreateUserInput = {
  /** The name as people write it; by default the address. */
  displayName?: string | null | undefined;
  /** The e-mail address, unique in the installation. */
  email: string;
  /** The organization that the user becomes a member of; by default the caller's. */
  organizationID?: string | null | undefined;
  /** What the user is to be there. */
  role?: MembershipRole;
  /** When the membership ends by itself; null: never. */
  until?: string | null | undefined;
};

/** A reviewer's decision on one token. */
export type DecideAccessReviewInput = {
  /** What becomes of it. */
  decision: AccessReviewDecision;
  /** Why; required to revoke. */
  reason?: string | null | undefined;
  /** The review's UUID. */
  review: string;
  /** The token, in any of the forms that name one. */
  token: string;
};

/** What became of a finding. */
export type FindingStatus =
  /** Somebody looks into it. */
  | 'ACKNOWLEDGED'
  /** It is dealt with. */
  | 'CLOSED'
  /** It was none. */
  | 'FALSE_POSITIVE'
  /** Nobody has dealt with it, or somebody has opened it again. */
  | 'OPEN';

/** Who is offered a membership, where and as what. */
export type InviteMemberInput = {
  /** The e-mail address; whoever accepts has to have it verified by the identity provider. */
  email: string;
  /** The organization; by default the caller's. */
  organizationID?: string | null | undefined;
  /** What whoever accepts will be there. */
  role?: MembershipRole;
  /** When the membership ends by itself; null: never. */
  until?: string | null | undefined;
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

/** What an access review is opened with. */
export type OpenAccessReviewInput = {
  /** When every decision should be made. */
  due: string;
  /** The name, for people. */
  name: string;
  /** Who reviews; by default every owner and administrator. */
  reviewers?: Array<string> | null | undefined;
};

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

/** A form of a report. */
export type ReportForm =
  /** Comma-separated values, made safe for spreadsheets. */
  | 'CSV'
  /** A page that loads nothing from anywhere. */
  | 'HTML'
  /** One JSON object. */
  | 'JSON'
  /** The events that the report is made of, in the Open Cybersecurity Schema Framework: one JSON object a line, at most 20,000. */
  | 'OCSF'
  /** A PDF, in base64. */
  | 'PDF';

/** Which tokens to end, and why. At least one way of naming them is needed. */
export type RevokeTokensInput = {
  /** Only say what would be ended. */
  dryRun?: boolean;
  /** Tokens by their UUID, 22-character form or masked value. */
  ids?: Array<string> | null | undefined;
  /** Found values: their SHA-256 as base64 or 64 hexadecimal digits, or whatever else names a token. Never the value itself. */
  leaked?: Array<string> | null | undefined;
  /** Tokens with access to the organization that are this user's. */
  ownerID?: string | null | undefined;
  /** Why. The reason stands in clear in the audit trail. */
  reason: string;
  /** Organization tokens that may do this, by this scope or a wider one. */
  scope?: string | null | undefined;
  /** Organization tokens that match the filter. */
  where?: ApiTokenWhereInput | null | undefined;
};

/** How a token is replaced by a successor with the same name, scopes and reach. */
export type RotateTokenInput = {
  /** True: the successor has no deadline. */
  clearExpiresAt?: boolean | null | undefined;
  /** True: the old token ends when the successor is first used, if that comes before the end of the overlap. */
  endsAtFirstUse?: boolean | null | undefined;
  /** The version that the change was decided on; another one in the log refuses the change. */
  expectedVersion?: number | null | undefined;
  /** The successor's deadline; by default that of the old token. */
  expiresAt?: string | null | undefined;
  /** For how many seconds both tokens work; 0 ends the old one at once. By default 86,400, a day; at most 2,592,000, thirty days. */
  overlapSeconds?: number | null | undefined;
  /** Why. The reason stands in clear in the audit trail. */
  reason?: string | null | undefined;
};

/** What a personal token's access to an organization is at the moment of the answer. */
export type TokenGrantStatus =
  /** The token may reach the organization. */
  | 'ACTIVE'
  /** The access has ended. */
  | 'ENDED'
  /** The token's deadline has passed. */
  | 'EXPIRED'
  /** The access waits for an administrator's approval. */
  | 'PENDING'
  /** The token is suspended. */
  | 'SUSPENDED';

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

/** What is to change about an organization token. What is left out stays. A reason revokes it, for good. */
export type UpdateApiTokenInput = {
  /** Scopes to add. */
  appendScopes?: Array<string> | null | undefined;
  /** Tags to add. */
  appendTags?: Array<string> | null | undefined;
  /** True: no description any more. */
  clearDescription?: boolean | null | undefined;
  /** True: no deadline any more. */
  clearExpiresAt?: boolean | null | undefined;
  /** True: take all scopes away. An organization token needs some, so give `scopes` or `appendScopes` too. */
  clearScopes?: boolean | null | undefined;
  /** True: take all tags away. */
  clearTags?: boolean | null | undefined;
  /** What it is for. */
  description?: string | null | undefined;
  /** The version that the change was decided on; another one in the log refuses the change. */
  expectedVersion?: number | null | undefined;
  /** Another deadline, in the future. */
  expiresAt?: string | null | undefined;
  /** False alone suspends the token, true resumes it. */
  isActive?: boolean | null | undefined;
  /** The server's to say; giving one is an error. */
  lastUsedAt?: string | null | undefined;
  /** What to call it. */
  name?: string | null | undefined;
  /** When it is revoked: only about now is accepted, and only with a reason. */
  revokedAt?: string | null | undefined;
  /** Who revokes it: only the caller is accepted. */
  revokedBy?: string | null | undefined;
  /** Why the token is revoked. Giving one revokes it. */
  revokedReason?: string | null | undefined;
  /** The scopes that replace all others. */
  scopes?: Array<string> | null | undefined;
  /** The tags that replace all others. */
  tags?: Array<string> | null | undefined;
};

/** The role and the end that replace a membership's present ones. */
export type UpdateMemberInput = {
  /** The version of the membership that the change was decided on; another one in the log refuses the change. */
  expectedVersion?: number | null | undefined;
  /** The organization; by default the caller's. */
  organizationID?: string | null | undefined;
  /** What the user is to be there. */
  role: MembershipRole;
  /** When the membership ends by itself; null: never. */
  until?: string | null | undefined;
  /** The user. */
  userID: string;
};

/** The names that replace an organization's present ones. */
export type UpdateOrganizationInput = {
  /** Its name as people write it; by default the short name. */
  displayName?: string | null | undefined;
  /** The version of the organization that the change was decided on; another one in the log refuses the change. */
  expectedVersion?: number | null | undefined;
  /** Its short name, for people; the id tells organizations apart. */
  name: string;
};

/**
 * What changes of an organization's policy: what is left out stays as it is. Spans
 * are in seconds; 0, false or an empty list lifts a demand. A demand that the
 * caller's own token would fail is refused.
 */
export type UpdateOrganizationPolicyInput = {
  /** The networks that uses may come from, in CIDR notation; single addresses, too. */
  allowedSources?: Array<string> | null | undefined;
  /** Let a personal token in only once an administrator has approved it. */
  approvalRequired?: boolean | null | undefined;
  /** Demand a description of every token that is made or changed. */
  descriptionRequired?: boolean | null | undefined;
  /** End all successors of a token whose value is used after it was rotated away. */
  endFamilyOnReuse?: boolean | null | undefined;
  /** The version of the organization that the change was decided on; another one in the log refuses the change. */
  expectedVersion?: number | null | undefined;
  /** Demand a deadline of every token. */
  expiryRequired?: boolean | null | undefined;
  /** Refuse and end a token that was not used for so long. */
  idleExpiry?: number | null | undefined;
  /** How long a token may live from its creation. */
  maxLifetime?: number | null | undefined;
  /** What members may do in the organization's own systems, as scopes. */
  memberScopes?: Array<string> | null | undefined;
  /** How old the authorization of an organization token may be. */
  organizationSSOMaxAge?: number | null | undefined;
  /** How often a token is to be reviewed. */
  reviewEvery?: number | null | undefined;
  /** How old a token may get before it is to be rotated. */
  rotationAge?: number | null | undefined;
  /** Refuse a token that is older than that. */
  rotationEnforced?: boolean | null | undefined;
  /** The most that any token may do here, as scopes. */
  scopeCeiling?: Array<string> | null | undefined;
  /** How old the authorization of a personal token may be. */
  ssoMaxAge?: number | null | undefined;
  /** Refuse tokens that are not authorized through the organization's single sign-on. */
  ssoRequired?: boolean | null | undefined;
};

/** The provider of an organization's single sign-on. A client secret, where there is one, stands in a file of the installation. */
export type UpdateOrganizationSsoProviderInput = {
  /** Take the provider away. */
  clear?: boolean | null | undefined;
  /** The ledger's client at the provider; its redirect URI ends with `/v1/sso/token/callback`. */
  clientID?: string | null | undefined;
  /** The version of the organization that the change was decided on; another one in the log refuses the change. */
  expectedVersion?: number | null | undefined;
  /** The issuer's URL, exactly as the provider writes it. */
  issuer?: string | null | undefined;
};

export type ReceiptPartsFragment = { position: number, recordedAt: string, leafHash: string, replayed: boolean };

export type MayGiveQueryVariables = Exact<{ [key: string]: never; }>;


export type MayGiveQuery = { organization: { id: string, objects: Array<{ name: string, actions: Record<string, string> }>, policy: { scopeCeiling: Array<string>, maxLifetime: number, expiryRequired: boolean, descriptionRequired: boolean, ssoRequired: boolean, approvalRequired: boolean } | null } };

export type CreateTokenMutationVariables = Exact<{
  input: CreateApiTokenInput;
}>;


export type CreateTokenMutation = { createAPIToken: { apiToken: { id: string, name: string, token: string, scopes: Array<string> | null, expiresAt: string | null }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } } };

export type CreatePersonalMutationVariables = Exact<{
  input: CreatePersonalAccessTokenInput;
}>;


export type CreatePersonalMutation = { createPersonalAccessToken: { personalAccessToken: { id: string, name: string, token: string, scopes: Array<string> | null, expiresAt: string | null }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } } };

export type WhoWouldMissQueryVariables = Exact<{
  id: string;
}>;


export type WhoWouldMissQuery = { revokePreview: { tokenID: string, status: TokenStatus, since: string, uses: number, refusals: number, lastUsedAt: string | null, callers: Array<{ agent: string | null, uses: number, lastUsedAt: string | null }>, actions: Array<{ action: string, uses: number, refusals: number, lastUsedAt: string | null }>, sources: Array<{ position: number, address: string | null, agent: string | null, uses: number, lastUsedAt: string | null }> } };

export type RevokeTokenMutationVariables = Exact<{
  id: string;
  reason: string;
  version?: number | null | undefined;
}>;


export type RevokeTokenMutation = { revokeAPIToken: { apiToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type SuspendTokenMutationVariables = Exact<{
  id: string;
  reason?: string | null | undefined;
  until?: string | null | undefined;
  version?: number | null | undefined;
}>;


export type SuspendTokenMutation = { suspendAPIToken: { apiToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type ResumeTokenMutationVariables = Exact<{
  id: string;
  reason?: string | null | undefined;
  version?: number | null | undefined;
}>;


export type ResumeTokenMutation = { resumeAPIToken: { apiToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type RotateTokenMutationVariables = Exact<{
  id: string;
  input?: RotateTokenInput | null | undefined;
}>;


export type RotateTokenMutation = { rotateAPIToken: { apiToken: { id: string, name: string, token: string, scopes: Array<string> | null, expiresAt: string | null }, rotated: { id: string, rotatedUntil: string | null }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } } };

export type ReviewTokenMutationVariables = Exact<{
  id: string;
  reason?: string | null | undefined;
}>;


export type ReviewTokenMutation = { reviewAPIToken: { apiToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type UpdateTokenMutationVariables = Exact<{
  id: string;
  input: UpdateApiTokenInput;
}>;


export type UpdateTokenMutation = { updateAPIToken: { apiToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type DeleteTokenMutationVariables = Exact<{
  id: string;
}>;


export type DeleteTokenMutation = { deleteAPIToken: { deletedID: string, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } } };

export type RevokeTokensMutationVariables = Exact<{
  input: RevokeTokensInput;
}>;


export type RevokeTokensMutation = { revokeTokens: { dryRun: boolean, revokedIDs: Array<string>, notRevoked: Array<{ id: string, code: string, message: string }>, receipts: Array<{ position: number, recordedAt: string, leafHash: string, replayed: boolean }> } };

export type UpdateTokensMutationVariables = Exact<{
  ids: Array<string> | string;
  input: UpdateApiTokenInput;
}>;


export type UpdateTokensMutation = { updateBulkAPIToken: { updatedIDs: Array<string> | null, notUpdatedIDs: Array<string> | null, error: string | null, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type PersonalTokensQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  includeDeleted: boolean;
}>;


export type PersonalTokensQuery = { personalAccessTokens: { totalCount: number, edges: Array<{ node: { id: string, name: string, token: string, status: TokenStatus, scopes: Array<string> | null, tags: Array<string> | null, createdAt: string | null, expiresAt: string | null, lastUsedAt: string | null, description: string | null, version: number, revokedReason: string | null, organizations: { edges: Array<{ node: { id: string, displayName: string } | null } | null> | null } } | null } | null> | null, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type PersonalRowFragment = { id: string, name: string, token: string, status: TokenStatus, scopes: Array<string> | null, tags: Array<string> | null, createdAt: string | null, expiresAt: string | null, lastUsedAt: string | null, description: string | null, version: number, revokedReason: string | null, organizations: { edges: Array<{ node: { id: string, displayName: string } | null } | null> | null } };

export type RevokePersonalMutationVariables = Exact<{
  id: string;
  reason: string;
  version?: number | null | undefined;
}>;


export type RevokePersonalMutation = { revokePersonalAccessToken: { personalAccessToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type SuspendPersonalMutationVariables = Exact<{
  id: string;
  reason?: string | null | undefined;
  until?: string | null | undefined;
  version?: number | null | undefined;
}>;


export type SuspendPersonalMutation = { suspendPersonalAccessToken: { personalAccessToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type ResumePersonalMutationVariables = Exact<{
  id: string;
  reason?: string | null | undefined;
  version?: number | null | undefined;
}>;


export type ResumePersonalMutation = { resumePersonalAccessToken: { personalAccessToken: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type RotatePersonalMutationVariables = Exact<{
  id: string;
  input?: RotateTokenInput | null | undefined;
}>;


export type RotatePersonalMutation = { rotatePersonalAccessToken: { personalAccessToken: { id: string, name: string, token: string, scopes: Array<string> | null, expiresAt: string | null }, rotated: { id: string, rotatedUntil: string | null }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } } };

export type GrantsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type GrantsQuery = { organization: { id: string, tokenGrants: { totalCount: number, edges: Array<{ node: { tokenID: string, token: string, name: string, scopes: Array<string> | null, expiresAt: string | null, status: TokenGrantStatus, givenAt: string | null, approvedAt: string | null, lastReviewedAt: string | null, ssoAuthorizedAt: string | null, endedAt: string | null, endedBecause: string | null, user: { id: string, displayName: string, email: string | null } } | null } | null> | null, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type GrantRowFragment = { tokenID: string, token: string, name: string, scopes: Array<string> | null, expiresAt: string | null, status: TokenGrantStatus, givenAt: string | null, approvedAt: string | null, lastReviewedAt: string | null, ssoAuthorizedAt: string | null, endedAt: string | null, endedBecause: string | null, user: { id: string, displayName: string, email: string | null } };

export type ApproveGrantMutationVariables = Exact<{
  id: string;
  reason?: string | null | undefined;
}>;


export type ApproveGrantMutation = { approveTokenGrant: { tokenGrant: { tokenID: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type DeclineGrantMutationVariables = Exact<{
  id: string;
  reason: string;
}>;


export type DeclineGrantMutation = { declineTokenGrant: { tokenGrant: { tokenID: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type EndGrantMutationVariables = Exact<{
  id: string;
  reason: string;
}>;


export type EndGrantMutation = { endTokenGrant: { tokenGrant: { tokenID: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } } };

export type PolicyPartsFragment = { ssoRequired: boolean, ssoMaxAge: number, organizationSSOMaxAge: number, memberScopes: Array<string>, scopeCeiling: Array<string>, allowedSources: Array<string>, maxLifetime: number, expiryRequired: boolean, idleExpiry: number, descriptionRequired: boolean, rotationAge: number, rotationEnforced: boolean, approvalRequired: boolean, reviewEvery: number, endFamilyOnReuse: boolean };

export type PolicyQueryVariables = Exact<{ [key: string]: never; }>;


export type PolicyQuery = { organization: { id: string, version: number, policy: { ssoRequired: boolean, ssoMaxAge: number, organizationSSOMaxAge: number, memberScopes: Array<string>, scopeCeiling: Array<string>, allowedSources: Array<string>, maxLifetime: number, expiryRequired: boolean, idleExpiry: number, descriptionRequired: boolean, rotationAge: number, rotationEnforced: boolean, approvalRequired: boolean, reviewEvery: number, endFamilyOnReuse: boolean } | null } };

export type PolicyPreviewQueryVariables = Exact<{
  policy: UpdateOrganizationPolicyInput;
  days: number;
}>;


export type PolicyPreviewQuery = { policyPreview: { since: string, calls: number, refusedCalls: number, unknownCalls: number, hasMore: boolean, tokens: Array<{ tokenID: string, name: string | null, calls: number, refusedCalls: number, reasons: Array<{ code: string, calls: number }> }>, refused: Array<{ position: number, recordedAt: string, tokenID: string, action: string | null, resource: string | null, code: string }> } };

export type ChangePolicyMutationVariables = Exact<{
  input: UpdateOrganizationPolicyInput;
}>;


export type ChangePolicyMutation = { updateOrganizationPolicy: { organization: { id: string, version: number }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type OrganizationFactsQueryVariables = Exact<{ [key: string]: never; }>;


export type OrganizationFactsQuery = { organization: { id: string, name: string, displayName: string, createdAt: string | null, version: number, objects: Array<{ name: string, actions: Record<string, string> }>, ssoProvider: { issuer: string, clientID: string } | null, policy: { ssoRequired: boolean, ssoMaxAge: number, organizationSSOMaxAge: number } | null } };

export type WebhooksQueryVariables = Exact<{ [key: string]: never; }>;


export type WebhooksQuery = { webhooks: Array<{ id: string, url: string, types: Array<string>, createdAt: string, delivered: number, failures: number, lastSuccessAt: string | null, lastFailureAt: string | null, lastError: string | null, deadLetterCount: number }> };

export type AddWebhookMutationVariables = Exact<{
  input: AddWebhookInput;
}>;


export type AddWebhookMutation = { addWebhook: { secret: string | null, webhook: { id: string, url: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type RemoveWebhookMutationVariables = Exact<{
  id: string;
}>;


export type RemoveWebhookMutation = { removeWebhook: { removedID: string, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type ReplayWebhookMutationVariables = Exact<{
  id: string;
}>;


export type ReplayWebhookMutation = { replayWebhookDeliveries: { messages: number } };

export type RenameOrganizationMutationVariables = Exact<{
  input: UpdateOrganizationInput;
}>;


export type RenameOrganizationMutation = { updateOrganization: { organization: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type SetProviderMutationVariables = Exact<{
  input: UpdateOrganizationSsoProviderInput;
}>;


export type SetProviderMutation = { updateOrganizationSSOProvider: { organization: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type RegisterObjectMutationVariables = Exact<{
  name: string;
  actions?: Record<string, string> | null | undefined;
}>;


export type RegisterObjectMutation = { registerObject: { organization: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type MembersQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type MembersQuery = { organization: { id: string, members: { totalCount: number, edges: Array<{ node: { role: MembershipRole, since: string | null, until: string | null, isActive: boolean, version: number, user: { id: string, displayName: string, email: string | null, isActive: boolean } } | null } | null> | null, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type InvitationsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type InvitationsQuery = { organization: { id: string, invitations: { totalCount: number, edges: Array<{ node: { id: string, email: string | null, role: MembershipRole, until: string | null, issuedAt: string, expiresAt: string, isOpen: boolean } | null } | null> | null, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type AddMemberMutationVariables = Exact<{
  input: CreateUserInput;
}>;


export type AddMemberMutation = { createUser: { user: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type InviteMutationVariables = Exact<{
  input: InviteMemberInput;
}>;


export type InviteMutation = { inviteMember: { link: string | null, invitation: { id: string, email: string | null }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type WithdrawMutationVariables = Exact<{
  id: string;
}>;


export type WithdrawMutation = { withdrawInvitation: { invitation: { id: string }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type ChangeMemberMutationVariables = Exact<{
  input: UpdateMemberInput;
}>;


export type ChangeMemberMutation = { updateMember: { membership: { role: MembershipRole }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type RemoveMemberMutationVariables = Exact<{
  userID: string;
  reason?: string | null | undefined;
  version?: number | null | undefined;
}>;


export type RemoveMemberMutation = { removeMember: { membership: { role: MembershipRole }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

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

export type FindingsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  rule?: string | null | undefined;
  status?: FindingStatus | null | undefined;
  token?: string | null | undefined;
}>;


export type FindingsQuery = { findings: { totalCount: number, edges: Array<{ node: { rule: string, position: number, raisedAt: string, token: string | null, tokens: Array<string>, detail: Record<string, unknown>, resolvedAt: string | null, status: FindingStatus, triagedAt: string | null, triagedBy: string | null, note: string | null } | null } | null> | null, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type FindingRowFragment = { rule: string, position: number, raisedAt: string, token: string | null, tokens: Array<string>, detail: Record<string, unknown>, resolvedAt: string | null, status: FindingStatus, triagedAt: string | null, triagedBy: string | null, note: string | null };

export type TriageMutationVariables = Exact<{
  rule: string;
  position: number;
  status: FindingStatus;
  note?: string | null | undefined;
}>;


export type TriageMutation = { triageFinding: { finding: { rule: string, position: number, raisedAt: string, token: string | null, tokens: Array<string>, detail: Record<string, unknown>, resolvedAt: string | null, status: FindingStatus, triagedAt: string | null, triagedBy: string | null, note: string | null }, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type NamesQueryVariables = Exact<{
  ids: Array<string> | string;
}>;


export type NamesQuery = { nodes: Array<
    | { __typename: 'APIToken', id: string, tokenName: string }
    | { __typename: 'Organization', id: string, organizationName: string }
    | { __typename: 'PersonalAccessToken', id: string, tokenName: string }
    | { __typename: 'User', displayName: string, email: string | null, id: string }
   | null> };

export type RecentEventsQueryVariables = Exact<{
  last: number;
  type?: string | null | undefined;
  trail: AuditTrail;
}>;


export type RecentEventsQuery = { auditEvents: { totalCount: number, edges: Array<{ node: { position: number, trail: string, trailPosition: number, type: string, stream: string, version: number, recordedAt: string, reason: string | null, correlation: string | null, data: Record<string, unknown>, personal: Record<string, unknown> | null, actor: { kind: ActorKind, id: string, userID: string | null } } | null } | null> | null } };

export type LiveSubscriptionVariables = Exact<{
  type?: string | null | undefined;
  after?: number | null | undefined;
  trail: AuditTrail;
}>;


export type LiveSubscription = { auditEvents: { position: number, trail: string, trailPosition: number, type: string, stream: string, version: number, recordedAt: string, reason: string | null, correlation: string | null, data: Record<string, unknown>, personal: Record<string, unknown> | null, actor: { kind: ActorKind, id: string, userID: string | null } } };

export type ReportKindsQueryVariables = Exact<{ [key: string]: never; }>;


export type ReportKindsQuery = { reports: Array<{ name: string, title: string, criteria: Array<string>, onDemand: boolean }> };

export type ReportTableQueryVariables = Exact<{
  name: string;
  from?: string | null | undefined;
  to?: string | null | undefined;
  dormantDays?: number | null | undefined;
  overAgeDays?: number | null | undefined;
}>;


export type ReportTableQuery = { report: { name: string, title: string, criteria: Array<string>, from: string, to: string, position: number, trailPosition: number, rows: Array<unknown[]>, limits: Array<string>, parameters: Array<{ name: string, value: string }>, columns: Array<{ name: string, title: string }> } };

export type ReportPartsFragment = { name: string, title: string, criteria: Array<string>, from: string, to: string, position: number, trailPosition: number, rows: Array<unknown[]>, limits: Array<string>, parameters: Array<{ name: string, value: string }>, columns: Array<{ name: string, title: string }> };

export type ReportFileQueryVariables = Exact<{
  name: string;
  from?: string | null | undefined;
  to?: string | null | undefined;
  position?: number | null | undefined;
  token?: string | null | undefined;
  dormantDays?: number | null | undefined;
  overAgeDays?: number | null | undefined;
  form: ReportForm;
}>;


export type ReportFileQuery = { report: { content: string } };

export type LeakReportQueryVariables = Exact<{
  token: string;
}>;


export type LeakReportQuery = { report: { name: string, title: string, criteria: Array<string>, from: string, to: string, position: number, trailPosition: number, rows: Array<unknown[]>, limits: Array<string>, parameters: Array<{ name: string, value: string }>, columns: Array<{ name: string, title: string }> } };

export type DifferenceQueryVariables = Exact<{
  from: AsOf;
  to?: AsOf | null | undefined;
}>;


export type DifferenceQuery = { accessDiff: { from: { position: number, time: string }, to: { position: number, time: string }, changes: Array<{ kind: string, id: string, name: string, change: string, field: string, before: string, after: string }> } };

export type BeginningQueryVariables = Exact<{ [key: string]: never; }>;


export type BeginningQuery = { organization: { id: string, createdAt: string | null } };

export type EventQueryVariables = Exact<{
  position: number;
}>;


export type EventQuery = { event: { leaf: string, leafHash: string, position: number, trail: string, trailPosition: number, type: string, stream: string, version: number, recordedAt: string, reason: string | null, correlation: string | null, data: Record<string, unknown>, personal: Record<string, unknown> | null, actor: { kind: ActorKind, id: string, userID: string | null } } };

export type ProofQueryVariables = Exact<{
  position: number;
}>;


export type ProofQuery = { eventProof: { leaf: string, position: number, eventInclusion: Array<string>, epoch: string, epochInclusion: Array<string>, checkpoint: string, trailPosition: number, trailInclusion: Array<string>, head: string | null, headInclusion: Array<string> } };

export type ReviewsQueryVariables = Exact<{ [key: string]: never; }>;


export type ReviewsQuery = { accessReviews: Array<{ id: string, name: string, position: number, due: string, reviewers: Array<string>, openedAt: string, openedBy: string, closedAt: string | null, items: Array<{ token: string, kind: string, name: string, scopes: Array<string>, owner: string, lastUsedAt: string | null, decision: AccessReviewDecision | null, decidedBy: string | null, decidedAt: string | null, reason: string | null, late: boolean }> }> };

export type OpenReviewMutationVariables = Exact<{
  input: OpenAccessReviewInput;
}>;


export type OpenReviewMutation = { openAccessReview: { id: string, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type DecideReviewMutationVariables = Exact<{
  input: DecideAccessReviewInput;
}>;


export type DecideReviewMutation = { decideAccessReview: { id: string, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

export type CloseReviewMutationVariables = Exact<{
  id: string;
}>;


export type CloseReviewMutation = { closeAccessReview: { id: string, receipt: { position: number, recordedAt: string, leafHash: string, replayed: boolean } | null } };

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
export const ReceiptPartsFragmentDoc = new TypedDocumentString(`
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}
    `, {"fragmentName":"ReceiptParts"}) as unknown as TypedDocumentString<ReceiptPartsFragment, unknown>;
export const PersonalRowFragmentDoc = new TypedDocumentString(`
    fragment PersonalRow on PersonalAccessToken {
  id
  name
  token
  status
  scopes
  tags
  createdAt
  expiresAt
  lastUsedAt
  description
  version
  revokedReason
  organizations(first: 20) {
    edges {
      node {
        id
        displayName
      }
    }
  }
}
    `, {"fragmentName":"PersonalRow"}) as unknown as TypedDocumentString<PersonalRowFragment, unknown>;
export const GrantRowFragmentDoc = new TypedDocumentString(`
    fragment GrantRow on TokenGrant {
  tokenID
  token
  name
  scopes
  expiresAt
  status
  givenAt
  approvedAt
  lastReviewedAt
  ssoAuthorizedAt
  endedAt
  endedBecause
  user {
    id
    displayName
    email
  }
}
    `, {"fragmentName":"GrantRow"}) as unknown as TypedDocumentString<GrantRowFragment, unknown>;
export const PolicyPartsFragmentDoc = new TypedDocumentString(`
    fragment PolicyParts on OrganizationPolicy {
  ssoRequired
  ssoMaxAge
  organizationSSOMaxAge
  memberScopes
  scopeCeiling
  allowedSources
  maxLifetime
  expiryRequired
  idleExpiry
  descriptionRequired
  rotationAge
  rotationEnforced
  approvalRequired
  reviewEvery
  endFamilyOnReuse
}
    `, {"fragmentName":"PolicyParts"}) as unknown as TypedDocumentString<PolicyPartsFragment, unknown>;
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
export const FindingRowFragmentDoc = new TypedDocumentString(`
    fragment FindingRow on Finding {
  rule
  position
  raisedAt
  token
  tokens
  detail
  resolvedAt
  status
  triagedAt
  triagedBy
  note
}
    `, {"fragmentName":"FindingRow"}) as unknown as TypedDocumentString<FindingRowFragment, unknown>;
export const ReportPartsFragmentDoc = new TypedDocumentString(`
    fragment ReportParts on Report {
  name
  title
  criteria
  from
  to
  position
  trailPosition
  parameters {
    name
    value
  }
  columns {
    name
    title
  }
  rows
  limits
}
    `, {"fragmentName":"ReportParts"}) as unknown as TypedDocumentString<ReportPartsFragment, unknown>;
export const MayGiveDocument = new TypedDocumentString(`
    query MayGive {
  organization {
    id
    objects {
      name
      actions
    }
    policy {
      scopeCeiling
      maxLifetime
      expiryRequired
      descriptionRequired
      ssoRequired
      approvalRequired
    }
  }
}
    `) as unknown as TypedDocumentString<MayGiveQuery, MayGiveQueryVariables>;
export const CreateTokenDocument = new TypedDocumentString(`
    mutation CreateToken($input: CreateAPITokenInput!) {
  createAPIToken(input: $input) {
    apiToken {
      id
      name
      token
      scopes
      expiresAt
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<CreateTokenMutation, CreateTokenMutationVariables>;
export const CreatePersonalDocument = new TypedDocumentString(`
    mutation CreatePersonal($input: CreatePersonalAccessTokenInput!) {
  createPersonalAccessToken(input: $input) {
    personalAccessToken {
      id
      name
      token
      scopes
      expiresAt
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<CreatePersonalMutation, CreatePersonalMutationVariables>;
export const WhoWouldMissDocument = new TypedDocumentString(`
    query WhoWouldMiss($id: ID!) {
  revokePreview(id: $id, days: 30) {
    tokenID
    status
    since
    uses
    refusals
    lastUsedAt
    callers {
      agent
      uses
      lastUsedAt
    }
    actions {
      action
      uses
      refusals
      lastUsedAt
    }
    sources {
      position
      address
      agent
      uses
      lastUsedAt
    }
  }
}
    `) as unknown as TypedDocumentString<WhoWouldMissQuery, WhoWouldMissQueryVariables>;
export const RevokeTokenDocument = new TypedDocumentString(`
    mutation RevokeToken($id: ID!, $reason: String!, $version: Int) {
  revokeAPIToken(id: $id, reason: $reason, expectedVersion: $version) {
    apiToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RevokeTokenMutation, RevokeTokenMutationVariables>;
export const SuspendTokenDocument = new TypedDocumentString(`
    mutation SuspendToken($id: ID!, $reason: String, $until: Time, $version: Int) {
  suspendAPIToken(
    id: $id
    reason: $reason
    until: $until
    expectedVersion: $version
  ) {
    apiToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<SuspendTokenMutation, SuspendTokenMutationVariables>;
export const ResumeTokenDocument = new TypedDocumentString(`
    mutation ResumeToken($id: ID!, $reason: String, $version: Int) {
  resumeAPIToken(id: $id, reason: $reason, expectedVersion: $version) {
    apiToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<ResumeTokenMutation, ResumeTokenMutationVariables>;
export const RotateTokenDocument = new TypedDocumentString(`
    mutation RotateToken($id: ID!, $input: RotateTokenInput) {
  rotateAPIToken(id: $id, input: $input) {
    apiToken {
      id
      name
      token
      scopes
      expiresAt
    }
    rotated {
      id
      rotatedUntil
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RotateTokenMutation, RotateTokenMutationVariables>;
export const ReviewTokenDocument = new TypedDocumentString(`
    mutation ReviewToken($id: ID!, $reason: String) {
  reviewAPIToken(id: $id, reason: $reason) {
    apiToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<ReviewTokenMutation, ReviewTokenMutationVariables>;
export const UpdateTokenDocument = new TypedDocumentString(`
    mutation UpdateToken($id: ID!, $input: UpdateAPITokenInput!) {
  updateAPIToken(id: $id, input: $input) {
    apiToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<UpdateTokenMutation, UpdateTokenMutationVariables>;
export const DeleteTokenDocument = new TypedDocumentString(`
    mutation DeleteToken($id: ID!) {
  deleteAPIToken(id: $id) {
    deletedID
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<DeleteTokenMutation, DeleteTokenMutationVariables>;
export const RevokeTokensDocument = new TypedDocumentString(`
    mutation RevokeTokens($input: RevokeTokensInput!) {
  revokeTokens(input: $input) {
    dryRun
    revokedIDs
    notRevoked {
      id
      code
      message
    }
    receipts {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RevokeTokensMutation, RevokeTokensMutationVariables>;
export const UpdateTokensDocument = new TypedDocumentString(`
    mutation UpdateTokens($ids: [ID!]!, $input: UpdateAPITokenInput!) {
  updateBulkAPIToken(ids: $ids, input: $input) {
    updatedIDs
    notUpdatedIDs
    error
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<UpdateTokensMutation, UpdateTokensMutationVariables>;
export const PersonalTokensDocument = new TypedDocumentString(`
    query PersonalTokens($first: Int!, $after: Cursor, $includeDeleted: Boolean!) {
  personalAccessTokens(
    first: $first
    after: $after
    includeDeleted: $includeDeleted
    orderBy: [{field: created_at, direction: DESC}]
  ) {
    edges {
      node {
        ...PersonalRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    totalCount
  }
}
    fragment PersonalRow on PersonalAccessToken {
  id
  name
  token
  status
  scopes
  tags
  createdAt
  expiresAt
  lastUsedAt
  description
  version
  revokedReason
  organizations(first: 20) {
    edges {
      node {
        id
        displayName
      }
    }
  }
}`) as unknown as TypedDocumentString<PersonalTokensQuery, PersonalTokensQueryVariables>;
export const RevokePersonalDocument = new TypedDocumentString(`
    mutation RevokePersonal($id: ID!, $reason: String!, $version: Int) {
  revokePersonalAccessToken(id: $id, reason: $reason, expectedVersion: $version) {
    personalAccessToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RevokePersonalMutation, RevokePersonalMutationVariables>;
export const SuspendPersonalDocument = new TypedDocumentString(`
    mutation SuspendPersonal($id: ID!, $reason: String, $until: Time, $version: Int) {
  suspendPersonalAccessToken(
    id: $id
    reason: $reason
    until: $until
    expectedVersion: $version
  ) {
    personalAccessToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<SuspendPersonalMutation, SuspendPersonalMutationVariables>;
export const ResumePersonalDocument = new TypedDocumentString(`
    mutation ResumePersonal($id: ID!, $reason: String, $version: Int) {
  resumePersonalAccessToken(id: $id, reason: $reason, expectedVersion: $version) {
    personalAccessToken {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<ResumePersonalMutation, ResumePersonalMutationVariables>;
export const RotatePersonalDocument = new TypedDocumentString(`
    mutation RotatePersonal($id: ID!, $input: RotateTokenInput) {
  rotatePersonalAccessToken(id: $id, input: $input) {
    personalAccessToken {
      id
      name
      token
      scopes
      expiresAt
    }
    rotated {
      id
      rotatedUntil
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RotatePersonalMutation, RotatePersonalMutationVariables>;
export const GrantsDocument = new TypedDocumentString(`
    query Grants($first: Int!, $after: Cursor) {
  organization {
    id
    tokenGrants(first: $first, after: $after) {
      edges {
        node {
          ...GrantRow
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      totalCount
    }
  }
}
    fragment GrantRow on TokenGrant {
  tokenID
  token
  name
  scopes
  expiresAt
  status
  givenAt
  approvedAt
  lastReviewedAt
  ssoAuthorizedAt
  endedAt
  endedBecause
  user {
    id
    displayName
    email
  }
}`) as unknown as TypedDocumentString<GrantsQuery, GrantsQueryVariables>;
export const ApproveGrantDocument = new TypedDocumentString(`
    mutation ApproveGrant($id: ID!, $reason: String) {
  approveTokenGrant(id: $id, reason: $reason) {
    tokenGrant {
      tokenID
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<ApproveGrantMutation, ApproveGrantMutationVariables>;
export const DeclineGrantDocument = new TypedDocumentString(`
    mutation DeclineGrant($id: ID!, $reason: String!) {
  declineTokenGrant(id: $id, reason: $reason) {
    tokenGrant {
      tokenID
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<DeclineGrantMutation, DeclineGrantMutationVariables>;
export const EndGrantDocument = new TypedDocumentString(`
    mutation EndGrant($id: ID!, $reason: String!) {
  endTokenGrant(id: $id, reason: $reason) {
    tokenGrant {
      tokenID
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<EndGrantMutation, EndGrantMutationVariables>;
export const PolicyDocument = new TypedDocumentString(`
    query Policy {
  organization {
    id
    version
    policy {
      ...PolicyParts
    }
  }
}
    fragment PolicyParts on OrganizationPolicy {
  ssoRequired
  ssoMaxAge
  organizationSSOMaxAge
  memberScopes
  scopeCeiling
  allowedSources
  maxLifetime
  expiryRequired
  idleExpiry
  descriptionRequired
  rotationAge
  rotationEnforced
  approvalRequired
  reviewEvery
  endFamilyOnReuse
}`) as unknown as TypedDocumentString<PolicyQuery, PolicyQueryVariables>;
export const PolicyPreviewDocument = new TypedDocumentString(`
    query PolicyPreview($policy: UpdateOrganizationPolicyInput!, $days: Int!) {
  policyPreview(policy: $policy, days: $days, first: 50) {
    since
    calls
    refusedCalls
    unknownCalls
    hasMore
    tokens {
      tokenID
      name
      calls
      refusedCalls
      reasons {
        code
        calls
      }
    }
    refused {
      position
      recordedAt
      tokenID
      action
      resource
      code
    }
  }
}
    `) as unknown as TypedDocumentString<PolicyPreviewQuery, PolicyPreviewQueryVariables>;
export const ChangePolicyDocument = new TypedDocumentString(`
    mutation ChangePolicy($input: UpdateOrganizationPolicyInput!) {
  updateOrganizationPolicy(input: $input) {
    organization {
      id
      version
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<ChangePolicyMutation, ChangePolicyMutationVariables>;
export const OrganizationFactsDocument = new TypedDocumentString(`
    query OrganizationFacts {
  organization {
    id
    name
    displayName
    createdAt
    version
    objects {
      name
      actions
    }
    ssoProvider {
      issuer
      clientID
    }
    policy {
      ssoRequired
      ssoMaxAge
      organizationSSOMaxAge
    }
  }
}
    `) as unknown as TypedDocumentString<OrganizationFactsQuery, OrganizationFactsQueryVariables>;
export const WebhooksDocument = new TypedDocumentString(`
    query Webhooks {
  webhooks {
    id
    url
    types
    createdAt
    delivered
    failures
    lastSuccessAt
    lastFailureAt
    lastError
    deadLetterCount
  }
}
    `) as unknown as TypedDocumentString<WebhooksQuery, WebhooksQueryVariables>;
export const AddWebhookDocument = new TypedDocumentString(`
    mutation AddWebhook($input: AddWebhookInput!) {
  addWebhook(input: $input) {
    webhook {
      id
      url
    }
    secret
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<AddWebhookMutation, AddWebhookMutationVariables>;
export const RemoveWebhookDocument = new TypedDocumentString(`
    mutation RemoveWebhook($id: ID!) {
  removeWebhook(id: $id) {
    removedID
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RemoveWebhookMutation, RemoveWebhookMutationVariables>;
export const ReplayWebhookDocument = new TypedDocumentString(`
    mutation ReplayWebhook($id: ID!) {
  replayWebhookDeliveries(id: $id) {
    messages
  }
}
    `) as unknown as TypedDocumentString<ReplayWebhookMutation, ReplayWebhookMutationVariables>;
export const RenameOrganizationDocument = new TypedDocumentString(`
    mutation RenameOrganization($input: UpdateOrganizationInput!) {
  updateOrganization(input: $input) {
    organization {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RenameOrganizationMutation, RenameOrganizationMutationVariables>;
export const SetProviderDocument = new TypedDocumentString(`
    mutation SetProvider($input: UpdateOrganizationSSOProviderInput!) {
  updateOrganizationSSOProvider(input: $input) {
    organization {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<SetProviderMutation, SetProviderMutationVariables>;
export const RegisterObjectDocument = new TypedDocumentString(`
    mutation RegisterObject($name: String!, $actions: ActionMap) {
  registerObject(name: $name, actions: $actions) {
    organization {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RegisterObjectMutation, RegisterObjectMutationVariables>;
export const MembersDocument = new TypedDocumentString(`
    query Members($first: Int!, $after: Cursor) {
  organization {
    id
    members(first: $first, after: $after) {
      edges {
        node {
          role
          since
          until
          isActive
          version
          user {
            id
            displayName
            email
            isActive
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      totalCount
    }
  }
}
    `) as unknown as TypedDocumentString<MembersQuery, MembersQueryVariables>;
export const InvitationsDocument = new TypedDocumentString(`
    query Invitations($first: Int!, $after: Cursor) {
  organization {
    id
    invitations(first: $first, after: $after) {
      edges {
        node {
          id
          email
          role
          until
          issuedAt
          expiresAt
          isOpen
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
      totalCount
    }
  }
}
    `) as unknown as TypedDocumentString<InvitationsQuery, InvitationsQueryVariables>;
export const AddMemberDocument = new TypedDocumentString(`
    mutation AddMember($input: CreateUserInput!) {
  createUser(input: $input) {
    user {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<AddMemberMutation, AddMemberMutationVariables>;
export const InviteDocument = new TypedDocumentString(`
    mutation Invite($input: InviteMemberInput!) {
  inviteMember(input: $input) {
    invitation {
      id
      email
    }
    link
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<InviteMutation, InviteMutationVariables>;
export const WithdrawDocument = new TypedDocumentString(`
    mutation Withdraw($id: ID!) {
  withdrawInvitation(id: $id) {
    invitation {
      id
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<WithdrawMutation, WithdrawMutationVariables>;
export const ChangeMemberDocument = new TypedDocumentString(`
    mutation ChangeMember($input: UpdateMemberInput!) {
  updateMember(input: $input) {
    membership {
      role
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<ChangeMemberMutation, ChangeMemberMutationVariables>;
export const RemoveMemberDocument = new TypedDocumentString(`
    mutation RemoveMember($userID: ID!, $reason: String, $version: Int) {
  removeMember(userID: $userID, reason: $reason, expectedVersion: $version) {
    membership {
      role
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<RemoveMemberMutation, RemoveMemberMutationVariables>;
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
export const FindingsDocument = new TypedDocumentString(`
    query Findings($first: Int!, $after: Cursor, $rule: String, $status: FindingStatus, $token: ID) {
  findings(
    first: $first
    after: $after
    rule: $rule
    status: $status
    token: $token
  ) {
    edges {
      node {
        ...FindingRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    totalCount
  }
}
    fragment FindingRow on Finding {
  rule
  position
  raisedAt
  token
  tokens
  detail
  resolvedAt
  status
  triagedAt
  triagedBy
  note
}`) as unknown as TypedDocumentString<FindingsQuery, FindingsQueryVariables>;
export const TriageDocument = new TypedDocumentString(`
    mutation Triage($rule: String!, $position: Long!, $status: FindingStatus!, $note: String) {
  triageFinding(rule: $rule, position: $position, status: $status, note: $note) {
    finding {
      ...FindingRow
    }
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}
fragment FindingRow on Finding {
  rule
  position
  raisedAt
  token
  tokens
  detail
  resolvedAt
  status
  triagedAt
  triagedBy
  note
}`) as unknown as TypedDocumentString<TriageMutation, TriageMutationVariables>;
export const NamesDocument = new TypedDocumentString(`
    query Names($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    id
    ... on APIToken {
      tokenName: name
    }
    ... on PersonalAccessToken {
      tokenName: name
    }
    ... on User {
      displayName
      email
    }
    ... on Organization {
      organizationName: displayName
    }
  }
}
    `) as unknown as TypedDocumentString<NamesQuery, NamesQueryVariables>;
export const RecentEventsDocument = new TypedDocumentString(`
    query RecentEvents($last: Int!, $type: String, $trail: AuditTrail!) {
  auditEvents(last: $last, type: $type, trail: $trail) {
    edges {
      node {
        ...EventRow
      }
    }
    totalCount
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
}`) as unknown as TypedDocumentString<RecentEventsQuery, RecentEventsQueryVariables>;
export const LiveDocument = new TypedDocumentString(`
    subscription Live($type: String, $after: Long, $trail: AuditTrail!) {
  auditEvents(type: $type, after: $after, trail: $trail) {
    ...EventRow
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
}`) as unknown as TypedDocumentString<LiveSubscription, LiveSubscriptionVariables>;
export const ReportKindsDocument = new TypedDocumentString(`
    query ReportKinds {
  reports {
    name
    title
    criteria
    onDemand
  }
}
    `) as unknown as TypedDocumentString<ReportKindsQuery, ReportKindsQueryVariables>;
export const ReportTableDocument = new TypedDocumentString(`
    query ReportTable($name: String!, $from: Time, $to: Time, $dormantDays: Int, $overAgeDays: Int) {
  report(
    name: $name
    from: $from
    to: $to
    dormantDays: $dormantDays
    overAgeDays: $overAgeDays
  ) {
    ...ReportParts
  }
}
    fragment ReportParts on Report {
  name
  title
  criteria
  from
  to
  position
  trailPosition
  parameters {
    name
    value
  }
  columns {
    name
    title
  }
  rows
  limits
}`) as unknown as TypedDocumentString<ReportTableQuery, ReportTableQueryVariables>;
export const ReportFileDocument = new TypedDocumentString(`
    query ReportFile($name: String!, $from: Time, $to: Time, $position: Long, $token: ID, $dormantDays: Int, $overAgeDays: Int, $form: ReportForm!) {
  report(
    name: $name
    from: $from
    to: $to
    position: $position
    token: $token
    dormantDays: $dormantDays
    overAgeDays: $overAgeDays
  ) {
    content(form: $form)
  }
}
    `) as unknown as TypedDocumentString<ReportFileQuery, ReportFileQueryVariables>;
export const LeakReportDocument = new TypedDocumentString(`
    query LeakReport($token: ID!) {
  report(name: "leak", token: $token) {
    ...ReportParts
  }
}
    fragment ReportParts on Report {
  name
  title
  criteria
  from
  to
  position
  trailPosition
  parameters {
    name
    value
  }
  columns {
    name
    title
  }
  rows
  limits
}`) as unknown as TypedDocumentString<LeakReportQuery, LeakReportQueryVariables>;
export const DifferenceDocument = new TypedDocumentString(`
    query Difference($from: AsOf!, $to: AsOf) {
  accessDiff(from: $from, to: $to) {
    from {
      position
      time
    }
    to {
      position
      time
    }
    changes {
      kind
      id
      name
      change
      field
      before
      after
    }
  }
}
    `) as unknown as TypedDocumentString<DifferenceQuery, DifferenceQueryVariables>;
export const BeginningDocument = new TypedDocumentString(`
    query Beginning {
  organization {
    id
    createdAt
  }
}
    `) as unknown as TypedDocumentString<BeginningQuery, BeginningQueryVariables>;
export const EventDocument = new TypedDocumentString(`
    query Event($position: Long!) {
  event(position: $position) {
    ...EventRow
    leaf
    leafHash
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
}`) as unknown as TypedDocumentString<EventQuery, EventQueryVariables>;
export const ProofDocument = new TypedDocumentString(`
    query Proof($position: Long!) {
  eventProof(position: $position) {
    leaf
    position
    eventInclusion
    epoch
    epochInclusion
    checkpoint
    trailPosition
    trailInclusion
    head
    headInclusion
  }
}
    `) as unknown as TypedDocumentString<ProofQuery, ProofQueryVariables>;
export const ReviewsDocument = new TypedDocumentString(`
    query Reviews {
  accessReviews {
    id
    name
    position
    due
    reviewers
    openedAt
    openedBy
    closedAt
    items {
      token
      kind
      name
      scopes
      owner
      lastUsedAt
      decision
      decidedBy
      decidedAt
      reason
      late
    }
  }
}
    `) as unknown as TypedDocumentString<ReviewsQuery, ReviewsQueryVariables>;
export const OpenReviewDocument = new TypedDocumentString(`
    mutation OpenReview($input: OpenAccessReviewInput!) {
  openAccessReview(input: $input) {
    id
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<OpenReviewMutation, OpenReviewMutationVariables>;
export const DecideReviewDocument = new TypedDocumentString(`
    mutation DecideReview($input: DecideAccessReviewInput!) {
  decideAccessReview(input: $input) {
    id
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<DecideReviewMutation, DecideReviewMutationVariables>;
export const CloseReviewDocument = new TypedDocumentString(`
    mutation CloseReview($id: ID!) {
  closeAccessReview(id: $id) {
    id
    receipt {
      ...ReceiptParts
    }
  }
}
    fragment ReceiptParts on Receipt {
  position
  recordedAt
  leafHash
  replayed
}`) as unknown as TypedDocumentString<CloseReviewMutation, CloseReviewMutationVariables>;