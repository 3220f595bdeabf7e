//! Soft state in Redis, shared by several gateways. It uses no scripts, no transactions and no blocking commands, so that
//! a proxy or a failover in between changes nothing but the time that an answer takes.
//!
//! A write that Redis acknowledged may still vanish in a failover: whoever keeps something here lives with that.

use std::time::Duration;

use bytes::Bytes;
use deadpool_redis::redis::{self, AsyncConnectionConfig, Cmd, FromRedisValue, Value};
use deadpool_redis::{Manager, Pool, Runtime};

use super::{LONGEST, SHORTEST, SoftKind, SoftState};
use crate::{StoreError, StoreFuture};

/// How long one call may take, a new connection included: a person waits for it.
const CALL: Duration = Duration::from_secs(1);
/// Connections at once. Each carries one call at a time, which takes well under a millisecond.
const CONNECTIONS: usize = 32;

/// Soft state in Redis.
pub struct RedisSoft {
    pool: Pool,
    prefix: String,
}

impl RedisSoft {
    /// Connects to `url` (`redis://`, `rediss://` for TLS, `redis+unix://`), and makes sure that the server answers and
    /// knows every command that is used. Keys are `<prefix>:<kind>:<key>`.
    pub async fn open(url: &str, prefix: &str) -> Result<Self, StoreError> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CALL)).set_response_timeout(Some(CALL));
        let manager = Manager::new_with_config(url, config).map_err(unavailable)?;
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(CALL))
            .create_timeout(Some(CALL))
            .recycle_timeout(Some(CALL))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let this = Self { pool, prefix: prefix.to_owned() };
        this.call::<Value>(with_key("GETDEL", &format!("{prefix}:probe"))).await.map_err(|error| match error {
            StoreError::Unavailable(why) if why.contains("unknown command") => {
                StoreError::Unavailable(format!("Redis 6.2 or later is needed: {why}"))
            }
            other => other,
        })?;
        Ok(this)
    }

    fn key(&self, kind: SoftKind, key: &str) -> String {
        format!("{}:{}:{key}", self.prefix, kind.as_str())
    }

    async fn call<T: FromRedisValue>(&self, command: Cmd) -> Result<T, StoreError> {
        let call = async {
            let mut connection = self.pool.get().await.map_err(|error| match error {
                deadpool_redis::PoolError::Backend(error) => unavailable(error),
                other => StoreError::Unavailable(other.to_string()),
            })?;
            command.query_async(&mut connection).await.map_err(unavailable)
        };
        let late = |_| StoreError::Unavailable(format!("Redis did not answer within {} ms", CALL.as_millis()));
        tokio::time::timeout(CALL, call).await.map_err(late)?
    }

    async fn set(&self, mut command: Cmd, keep: Duration, anew: bool) -> Result<bool, StoreError> {
        let millis = keep.clamp(SHORTEST, LONGEST).as_millis();
        command.arg("PX").arg(u64::try_from(millis).expect("the longest is some years"));
        if anew {
            command.arg("NX");
        }
        // Nil says that the key has a value.
        Ok(!matches!(self.call(command).await?, Value::Nil))
    }

    async fn fetch(&self, command: Cmd) -> Result<Option<Bytes>, StoreError> {
        Ok(self.call::<Option<Vec<u8>>>(command).await?.map(Bytes::from))
    }
}

fn with_key(name: &'static str, key: &str) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

/// Texts of Redis and of the connection hold neither keys nor values nor the password.
fn unavailable(error: redis::RedisError) -> StoreError {
    StoreError::Unavailable(format!("Redis: {error}"))
}

impl SoftState for RedisSoft {
    fn put(&self, kind: SoftKind, key: &str, value: Bytes, keep: Duration) -> StoreFuture<'_, ()> {
        let mut command = with_key("SET", &self.key(kind, key));
        command.arg(&value[..]);
        Box::pin(async move { self.set(command, keep, false).await.map(drop) })
    }

    fn put_new(&self, kind: SoftKind, key: &str, value: Bytes, keep: Duration) -> StoreFuture<'_, bool> {
        let mut command = with_key("SET", &self.key(kind, key));
        command.arg(&value[..]);
        Box::pin(self.set(command, keep, true))
    }

    fn get(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, Option<Bytes>> {
        Box::pin(self.fetch(with_key("GET", &self.key(kind, key))))
    }

    fn take(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, Option<Bytes>> {
        Box::pin(self.fetch(with_key("GETDEL", &self.key(kind, key))))
    }

    fn remove(&self, kind: SoftKind, key: &str) -> StoreFuture<'_, ()> {
        let command = with_key("DEL", &self.key(kind, key));
        Box::pin(async move { self.call::<Value>(command).await.map(drop) })
    }
}
