//! The clauses that a recording can break. A test holds their ids against the ledger.

macro_rules! clauses {
    ($($(#[doc = $about:literal])? $name:ident = $id:literal;)*) => {
        $(#[doc = $id] pub const $name: &str = $id;)*
        /// All of them.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

clauses! {
    HEADER_FIRST = "pipe:header.first";
    HEADER_SHAPE = "pipe:header.shape";
    HEADER_LIST = "draft:header.list";
    FLAGS_VERSION = "pipe:flags.version";
    FLAGS_JSON_RPC = "pipe:flags.json-rpc";
    FLAGS_LOGIN = "pipe:flags.login";
    FLAGS_TRUSTED = "pipe:flags.trusted";
    FLAGS_UNTRUSTED = "pipe:flags.untrusted";
    FLAGS_UNKNOWN_NULL = "pipe:flags.unknown-null";
    FLAGS_REPORTED = "pipe:flags.reported";
    FLAGS_DEFAULT = "pipe:flags.default";
    RESPONSE_FORMAT = "pipe:flow.response-format";
    ONE_RESPONSE = "pipe:flow.one-response";
    NEWLINE_OUT = "pipe:line.newline-out";
    SINGLE_OBJECT = "pipe:line.single-object";
    CONDENSED = "pipe:line.condensed";
    NO_DELIMITER = "pipe:line.no-delimiter";
    EMPTY_IGNORED = "pipe:line.empty-ignored";
    API_RESULT = "pipe:api.result";
    API_ERRORS = "pipe:api.errors";
    ECHO_INPUT = "pipe:echo.input";
    LOGIN_RESULT = "pipe:login.result";
    LOGIN_AUTHX = "pipe:login.authx";
    LOGIN_ONE_PRINCIPAL = "pipe:login.one-principal";
    LOGIN_CONTACT_ID_TRUSTED = "pipe:login.contact-id-trusted";
    LOGIN_USER_ID_TRUSTED = "pipe:login.user-id-trusted";
    LOGIN_USER_TRUSTED = "pipe:login.user-trusted";
    OPTIONS_LIST = "pipe:options.list";
    OPTIONS_UPDATE = "pipe:options.update";
    OPTIONS_MODIFIED = "pipe:options.modified";
    OPTIONS_UNKNOWN = "pipe:options.unknown";
    API_ERROR_ARRAY = "pipe:api-error.array";
    API_ERROR_EXCEPTION = "pipe:api-error.exception";
    API_ERROR_VALUES = "pipe:api-error.values";
    API_CHECKS_TYPE = "pipe:api-checks.type";
    API_CHECKS_OFF_UNTRUSTED = "pipe:api-checks.off-untrusted";
    BUFFER_LIMIT = "pipe:buffer.limit";
    BUFFER_OVER_LONG = "pipe:buffer.over-long";
    BUFFER_DEFAULT = "pipe:buffer.default";
    PREFIX_DEFAULT = "pipe:prefix.default";
    PREFIX_BEFORE_RESPONSE = "pipe:prefix.before-response";
    PREFIX_AFTER_EVALUATION = "pipe:prefix.after-evaluation";
    DRAFT_ERRORS_IN_RESULT = "draft:api.errors-in-result";
    DRAFT_ERROR_SHAPE = "draft:api.error-shape";
    DRAFT_ECHO = "draft:echo.any-params";
    DRAFT_OPTIONS = "draft:options.notation";
    REQUEST_VERSION = "jsonrpc:request.version";
    REQUEST_METHOD = "jsonrpc:request.method";
    REQUEST_RPC_RESERVED = "jsonrpc:request.rpc-reserved";
    REQUEST_NAMES_CASE = "jsonrpc:request.names-case";
    REQUEST_VERSION_1 = "jsonrpc:request.version-1";
    REQUEST_SCALAR_LINE = "jsonrpc:request.scalar-line";
    PARAMS_WRONG_TYPE = "jsonrpc:params.wrong-type";
    PARAMS_NULL = "jsonrpc:params.null";
    NOTIFICATION_NO_REPLY = "jsonrpc:notification.no-reply";
    RESPONSE_ALWAYS = "jsonrpc:response.always";
    RESPONSE_ID = "jsonrpc:response.id";
    RESPONSE_ID_NULL = "jsonrpc:response.id-null";
    RESPONSE_SUCCESS = "jsonrpc:response.success";
    RESPONSE_FAILURE = "jsonrpc:response.failure";
    RESPONSE_VERSION = "jsonrpc:response.version";
    ERROR_CODE_INTEGER = "jsonrpc:error.code-integer";
    ERROR_MESSAGE_STRING = "jsonrpc:error.message-string";
    ERROR_MESSAGE_CONCISE = "jsonrpc:error.message-concise";
    PARSE_ERROR = "jsonrpc:error-code.parse-error";
    INVALID_REQUEST = "jsonrpc:error-code.invalid-request";
    METHOD_NOT_FOUND = "jsonrpc:error-code.method-not-found";
    INVALID_PARAMS = "jsonrpc:error-code.invalid-params";
    CODE_RESERVED = "jsonrpc:error-code.reserved";
    BATCH_RESPONSES = "jsonrpc:batch.responses";
    BATCH_SINGLE_RESPONSE = "jsonrpc:batch.single-response";
    BATCH_ALL_NOTIFICATIONS = "jsonrpc:batch.all-notifications";
    BATCH_INVALID_MEMBERS = "jsonrpc:batch.invalid-members";
    BATCH_ORDER = "jsonrpc:batch.order";
    GENERATOR_STRICT = "json:generator.strict";
    GENERATOR_UNIQUE_NAMES = "json:generator.unique-names";
    NUMBER_EXACT = "json:number.exact";
    NO_LEAK = "own:error.no-leak";
    OVER_LONG_UNEXECUTED = "own:line.over-long-unexecuted";
    ONLY_RESPONSES = "own:stdout.only-responses";
    EXITS = "own:end.exits";
    METHOD_INTERNALS = "own:method.internals";
}

#[cfg(test)]
mod tests {
    use crate::clause::Role;

    #[test]
    fn every_clause_that_lint_names_is_in_the_ledger_and_binds_servers() {
        let ledger = crate::lint::built_in_ledger().unwrap();
        for id in super::ALL {
            let clause = ledger.get(id).unwrap_or_else(|| panic!("{id} is not in the ledger"));
            assert_ne!(clause.role, Role::Client, "{id} binds clients");
        }
    }
}
