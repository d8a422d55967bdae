//! Every page that a browser sees.
