//! Defects of error objects: their codes and messages.

use civispec_wire::json::Json;
use civispec_wire::jsonrpc::{INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND};

use crate::pipe::code::{API_FAILED, LOGIN_REFUSED};
use crate::pipe::hooks::{Hook, Received};

use super::{KEEP_LINE, Seed, code_of, each_response, error_of, member, set_code};

/// More than a page of text, and no line of it is a sentence.
const PAGE: &str = "<!DOCTYPE html><html><head><title>Error</title><style>body{font-family:sans-serif;margin:2em}\
    </style></head><body><h1>Sorry, the request failed</h1><p>We have been told of it.</p>\n<p>Please try again \
    later. If it fails again, then write to us. Tell us what you did. Tell us when it was.</p>\n<table><tr><td>\
    Reason</td><td>unknown</td></tr><tr><td>Severity</td><td>high</td></tr></table>\n<hr></body></html>";

pub(super) const DEFECTS: &[Seed] = &[
    Seed {
        slug: "error-code-of-api-as-word",
        about: "gives the word that an API call fails with as the code of the error",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if code_of(&answer.message) == Some(API_FAILED)
                && let Some(error) = error_of(answer)
                && let Some(word) = error.get("data").and_then(|data| data.get("error_code")).cloned()
                && let Some(code) = member(error, "code")
            {
                *code = word;
            }
        })],
    },
    Seed {
        slug: "error-code-of-login-as-string",
        about: "gives the code of a refused login as a string",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if code_of(&answer.message) == Some(LOGIN_REFUSED)
                && let Some(code) = error_of(answer).and_then(|error| member(error, "code"))
            {
                *code = Json::String(LOGIN_REFUSED.to_string());
            }
        })],
    },
    Seed {
        slug: "error-message-null",
        about: "gives no text as the message of an error that a method brought about",
        hooks: &[Hook::Response(|request, answer, _, _| {
            if request.is_some()
                && let Some(message) = error_of(answer).and_then(|error| member(error, "message"))
            {
                *message = Json::Null;
            }
        })],
    },
    Seed {
        slug: "error-message-number-in-batch",
        about: "gives the code as the message of an error within a batch",
        hooks: &[Hook::Response(|_, answer, _, scene| {
            if scene.batch.is_some()
                && let Some(code) = code_of(&answer.message)
                && let Some(message) = error_of(answer).and_then(|error| member(error, "message"))
            {
                *message = code.into();
            }
        })],
    },
    Seed {
        slug: "error-message-page",
        about: "gives a whole page as the message of an error that a method brought about",
        hooks: &[Hook::Response(|request, answer, _, _| {
            if request.is_some()
                && let Some(message) = error_of(answer).and_then(|error| member(error, "message"))
            {
                *message = PAGE.into();
            }
        })],
    },
    Seed {
        slug: "error-message-empty-on-empty-batch",
        about: "gives an empty message in the answer to an empty batch",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if received == Received::Batch(0) {
                each_response(reply, |response| {
                    if let Some(message) =
                        member(response, "error").and_then(|error| member(error, "message"))
                    {
                        *message = "".into();
                    }
                });
            }
        })],
    },
    Seed {
        slug: "parse-error-as-invalid-request",
        about: "calls broken JSON an invalid request",
        hooks: &[Hook::Reply(|received, reply, _, _| {
            if received == Received::Garbled {
                each_response(reply, |response| set_code(response, INVALID_REQUEST));
            }
        })],
    },
    Seed {
        slug: "parse-error-of-batch-as-invalid-request",
        about: "calls a broken batch an invalid request",
        hooks: &[
            KEEP_LINE,
            Hook::Reply(|received, reply, _, scene| {
                if received == Received::Garbled && scene.held.starts_with(b"[") {
                    each_response(reply, |response| set_code(response, INVALID_REQUEST));
                }
            }),
        ],
    },
    Seed {
        slug: "invalid-request-as-invalid-params",
        about: "calls an object of version 2.0 that is no request one with invalid params",
        hooks: &[
            Hook::Message(|message, _, scene| {
                scene.count = usize::from(message.get("jsonrpc") == Some(&"2.0".into()));
            }),
            Hook::Response(|request, answer, _, scene| {
                if request.is_none() && scene.count == 1 {
                    set_code(&mut answer.message, INVALID_PARAMS);
                }
            }),
        ],
    },
    Seed {
        slug: "invalid-request-without-method-as-not-found",
        about: "calls a request without a method one for a method that does not exist",
        hooks: &[
            Hook::Message(|message, _, scene| {
                let is_of_2 = message.get("jsonrpc") == Some(&"2.0".into());
                scene.count = usize::from(is_of_2 && message.get("method").is_none());
            }),
            Hook::Response(|request, answer, _, scene| {
                if request.is_none() && scene.count == 1 {
                    set_code(&mut answer.message, METHOD_NOT_FOUND);
                }
            }),
        ],
    },
    Seed {
        slug: "method-not-found-as-invalid-request",
        about: "calls a request for an unknown method of letters and digits an invalid one",
        hooks: &[Hook::Response(|request, answer, _, _| {
            let is_plain = request.is_some_and(|request| {
                request.method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
            if is_plain && code_of(&answer.message) == Some(METHOD_NOT_FOUND) {
                set_code(&mut answer.message, INVALID_REQUEST);
            }
        })],
    },
    Seed {
        slug: "method-not-found-as-invalid-request-when-empty",
        about: "calls a request for a method without a name an invalid one",
        hooks: &[Hook::Response(|request, answer, _, _| {
            if request.is_some_and(|request| request.method.is_empty()) {
                set_code(&mut answer.message, INVALID_REQUEST);
            }
        })],
    },
    Seed {
        slug: "invalid-params-of-api-as-internal",
        about: "calls an API call with a list that it cannot use an internal error",
        hooks: &[Hook::Response(|request, answer, _, _| {
            let is_list = request.is_some_and(|request| {
                request.method.starts_with("api")
                    && request.params.as_ref().is_some_and(|p| p.as_array().is_some())
            });
            if is_list && code_of(&answer.message) == Some(INVALID_PARAMS) {
                set_code(&mut answer.message, INTERNAL_ERROR);
            }
        })],
    },
    Seed {
        slug: "invalid-params-of-api-as-internal-when-empty",
        about: "calls an API call with an empty list an internal error",
        hooks: &[Hook::Response(|request, answer, _, _| {
            let is_empty = request.is_some_and(|request| {
                request.method.starts_with("api") && request.params == Some(Json::Array(Vec::new()))
            });
            if is_empty && code_of(&answer.message) == Some(INVALID_PARAMS) {
                set_code(&mut answer.message, INTERNAL_ERROR);
            }
        })],
    },
    Seed {
        slug: "error-code-of-api-beside-the-defined",
        about: "answers an API call that fails with the code -32604",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if code_of(&answer.message) == Some(API_FAILED) {
                set_code(&mut answer.message, -32604);
            }
        })],
    },
    Seed {
        slug: "error-code-of-login-beside-the-servers",
        about: "answers a refused login with the code -32100",
        hooks: &[Hook::Response(|_, answer, _, _| {
            if code_of(&answer.message) == Some(LOGIN_REFUSED) {
                set_code(&mut answer.message, -32100);
            }
        })],
    },
];
