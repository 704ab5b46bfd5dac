// IAB's own stub of the TCF API, which a page has until its consent manager has loaded.
import stub from "@iabtcf/stub";

stub();
