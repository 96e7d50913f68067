//! What checks of bounds look at.

use super::Client;
use super::transmit::OUTGOING_MAX;
use tidelock::Buffer;
use tidelock::state::Input;

impl<I: Input> Client<I> {
    /// Every buffer that the network can fill: none grows past its bound, whatever arrives.
    pub fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        self.connection.buffers(see);
        see(Buffer { name: "payloads to seal", len: self.outgoing.len(), max: OUTGOING_MAX });
        self.events.buffers(see);
        self.inputs.buffers(see);
        self.view.buffers(see);
        self.tap.buffers(see);
        self.clock.iter().for_each(|clock| clock.buffers(see));
        self.playback.iter().for_each(|playback| playback.buffers(see));
    }
}
