import './base.css';
import './panel.css';
import './page.css';
import './trials.css';
import './mount.css';
import './cells.css';
import './nounpage.css';
