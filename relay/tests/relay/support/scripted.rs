//! A server in place of OpenAI whose answers a test decides: for answers that the collector never gives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use oaiq_ingest::http::serve::{Limits, serve};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The path with the query, and the body, of one request.
pub type Request = (String, Value);

pub struct Scripted {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    _runtime: Runtime,
}

impl Scripted {
    /// Answers with `respond`, which also gets the number of requests before.
    pub fn start<R: IntoResponse>(
        respond: impl Fn(usize, &Request) -> R + Send + Sync + 'static,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let respond = Arc::new(respond);
        let handler = {
            let requests = Arc::clone(&requests);
            async move |uri: Uri, body: Bytes| -> Response {
                let body = serde_json::from_slice(&body).unwrap_or_default();
                let request = (uri.to_string(), body);
                let before = {
                    let mut requests = requests.lock().unwrap();
                    requests.push(request.clone());
                    requests.len() - 1
                };
                // It may take a while.
                let respond = Arc::clone(&respond);
                let responding =
                    tokio::task::spawn_blocking(move || respond(before, &request).into_response());
                responding.await.unwrap()
            }
        };
        let limits = Limits {
            header_timeout: std::time::Duration::from_secs(10),
            connections: 100,
            grace: std::time::Duration::ZERO,
        };
        let router = Router::new().fallback(handler);
        runtime.spawn(serve(
            vec![listener],
            router,
            limits,
            std::future::pending(),
            || {},
        ));
        Self {
            address,
            requests,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}
