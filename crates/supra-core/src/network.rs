//! The public networks: what a network's name fills in.

use crate::address::Address;

/// A public Supra network (docs.supra.com, *network information* and dVRF *networks*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Chain id 6.
    Testnet,
    /// Chain id 8.
    Mainnet,
    /// Chain id 50.
    Devnet,
}

impl Network {
    /// The words that name a network.
    pub const WORDS: &'static [(&'static str, Network)] =
        &[("testnet", Self::Testnet), ("mainnet", Self::Mainnet), ("devnet", Self::Devnet)];

    /// The chain id.
    pub fn chain_id(self) -> u8 {
        match self {
            Self::Testnet => 6,
            Self::Mainnet => 8,
            Self::Devnet => 50,
        }
    }

    /// The word that names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Testnet => "testnet",
            Self::Mainnet => "mainnet",
            Self::Devnet => "devnet",
        }
    }

    /// The network of this name; letter case does not matter.
    pub fn named(name: &str) -> Option<Self> {
        let is_it = |word: &str| word.eq_ignore_ascii_case(name.trim());
        Self::WORDS.iter().find(|(word, _)| is_it(word)).map(|(_, network)| *network)
    }

    /// The network with this chain id.
    pub fn of_chain(id: u8) -> Option<Self> {
        Self::WORDS.iter().map(|(_, network)| *network).find(|network| network.chain_id() == id)
    }

    /// The public RPC node.
    pub fn rpc_url(self) -> &'static str {
        match self {
            Self::Testnet => "https://rpc-testnet.supra.com",
            Self::Mainnet => "https://rpc-mainnet.supra.com",
            Self::Devnet => "https://rpc-devnet.supra.com",
        }
    }

    /// The address of the dVRF package, with the modules `deposit` and `supra_vrf`; `None` where it is not public.
    pub fn deposit_addr(self) -> Option<&'static str> {
        match self {
            Self::Testnet => Some("0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e"),
            Self::Mainnet => Some("0x9672d46410f540b47d7e1f732640c776fa91ea1b909f871b9b2b7527b0ea90ae"),
            Self::Devnet => None,
        }
    }

    /// The network whose dVRF package has this address.
    pub fn of_deposit(address: Address) -> Option<Self> {
        let has =
            |network: Network| network.deposit_addr().and_then(|known| known.parse().ok()) == Some(address);
        Self::WORDS.iter().map(|(_, network)| *network).find(|network| has(*network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses() {
        for address in Network::WORDS.iter().filter_map(|(_, network)| network.deposit_addr()) {
            assert_eq!(address.parse::<Address>().unwrap().to_string(), address);
        }
        let testnet = Network::Testnet.deposit_addr().unwrap().parse().unwrap();
        assert_eq!(Network::of_deposit(testnet), Some(Network::Testnet));
        assert_eq!(Network::of_deposit(Address::FRAMEWORK), None);
    }
}
