//! The product from outside: real sockets, real databases, a scriptable provider behind it. One binary, because each one links for long.
//!
//! Every story runs on `SQLite`, and on `PostgreSQL` too when `HYPERCARE_TEST_POSTGRES` names a server where databases may be made.

mod changes;
mod chaos;
mod control;
mod declarative;
mod endpoints;
mod failover;
mod faults;
mod feedback;
mod gateway;
mod idempotency;
mod intake;
mod issues;
mod kill;
mod outage;
mod overload;
mod prompts;
mod refusals;
mod replicas;
mod routes;
mod streams;
mod support;
mod surveys;
mod triage;
