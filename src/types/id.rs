//! Identifiers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A unique id: a version 7 UUID (RFC 9562) in its hyphenated lower-case text form, so that ids sort by time of creation in every database. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Arc<str>);

impl Id {
    /// Wraps a text that is already an id, for example one read from a URL. Unknown ids are simply not found.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last eight characters: enough for a person to tell two rows apart (the first ones are only the time).
    pub fn short(&self) -> &str {
        let cut = self.0.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
        &self.0[cut..]
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "server")]
impl Id {
    /// A fresh id. Only services make ids; stores insert them as they are.
    #[expect(clippy::new_without_default, reason = "two calls never give the same value, which `default` would suggest")]
    pub fn new() -> Self {
        let mut buffer = uuid::Uuid::encode_buffer();
        Self((&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut buffer)).into())
    }
}

#[cfg(feature = "server")]
mod database {
    use super::{Arc, Id};
    use sqlx::encode::IsNull;
    use sqlx::error::BoxDynError;
    use sqlx::{Database, Decode, Encode, Type};

    impl<DB: Database> Type<DB> for Id
    where
        str: Type<DB>,
    {
        fn type_info() -> DB::TypeInfo {
            <str as Type<DB>>::type_info()
        }

        fn compatible(ty: &DB::TypeInfo) -> bool {
            <str as Type<DB>>::compatible(ty)
        }
    }

    impl<'q, DB: Database> Encode<'q, DB> for Id
    where
        Arc<str>: Encode<'q, DB>,
    {
        fn encode(self, buffer: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
            self.0.encode(buffer)
        }

        fn encode_by_ref(&self, buffer: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
            self.0.clone().encode(buffer)
        }
    }

    impl<'r, DB: Database> Decode<'r, DB> for Id
    where
        &'r str: Decode<'r, DB>,
    {
        fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
            Ok(Self(<&str as Decode<DB>>::decode(value)?.into()))
        }
    }
}
