//! A relay that keeps and forwards nothing, to measure what its store costs: `npm run relay:load` compares the two. Everything
//! else is as in `oaiq-relay serve`.

use std::env;
use std::error::Error;
use std::path::PathBuf;

use oaiq_ingest::stop::stop_signal;
use oaiq_relay::clock::Clock;
use oaiq_relay::config::Config;
use oaiq_relay::http::assets::Assets;
use oaiq_relay::server::Server;
use oaiq_relay::store::Store;

fn main() -> Result<(), Box<dyn Error>> {
    let file: PathBuf = env::args_os()
        .nth(1)
        .ok_or("usage: without_store CONFIG")?
        .into();
    let config = Config::load(&file).map_err(|error| error.to_string())?;
    let keys = config.load_keys(&file).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = stop_signal()?;
        let store = Store::discarding(Clock::default()).map_err(|error| error.to_string())?;
        let server = Server::start(config, keys, store, Assets::load(None)?).await?;
        eprintln!("this relay keeps and forwards nothing: it is only for measuring");
        server.serve(stop).await;
        Ok(())
    })
}
